"""What goes straight to S3, by presigned links and in parts, and what fetches and guards: each with its own
role, and not without any right of it."""

import json
import time
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

import lambdas
from distributions import BuiltDistribution, build_wheel
from fronts import FRONTS
from fronts.wire import Sent
from iam.account import EDGE, Account, documents
from iam.policies import Asked, Policies
from indexes import random_bytes
from servers import Request
from upstream import Upstream
from wheelyard.entry.admin import admin_handler
from wheelyard.entry.arriving import arrival_handler
from wheelyard.entry.edge import edge_handler
from wheelyard.entry.functions import http_handler
from wheelyard.entry.pulling import pull_handler
from wheelyard.entry.tracing import Handler
from wheelyard.errors import StorageError

pytestmark = [pytest.mark.deployment, pytest.mark.xdist_group("deployment")]

LARGE = random_bytes(9_000_000)
USER = ("alice", "hunter2")

_numbers = count()

Work = Callable[[Account, Upstream], None]


def new_wheel(large: bytes = b"") -> tuple[str, BuiltDistribution]:
    """A project that nobody has yet, and a wheel of it."""
    name = f"acme-{next(_numbers)}"
    return name, build_wheel(name, "1.0", files={"data": large} if large else None)


def with_user(account: Account) -> None:
    """Somebody who may upload."""
    fields = {"username": USER[0], "password": USER[1], "upload": True}
    admin_handler(account.environment("Admin"))({"putUser": fields}, None)


class Session:
    """A publishing session of one file that comes in parts."""

    def __init__(self, account: Account, name: str, wheel: BuiltDistribution) -> None:
        self._handle = http_handler(account.environment("Upload"), uploads=True)
        self.wheel = wheel
        self.links = self.ask("POST", "/upload/", name=name, version="1.0")["links"]
        self.file = self.ask(
            "POST",
            self.links["upload"],
            filename=wheel.filename,
            size=len(wheel.content),
            hashes={"sha256": wheel.sha256},
            mechanism="vnd-wheelyard-multipart",
        )

    def ask(self, method: str, url: str, **document: object) -> Any:
        """The answer to one request, which has to be a good one."""
        event = lambdas.session(method, urlsplit(url).path, document, *USER)
        answer = self._handle(event, None)
        assert answer["statusCode"] < 300, answer
        body = answer.get("body") or "{}"
        return json.loads(b64decode(body) if answer.get("isBase64Encoded") else body)

    def parts(self) -> Any:
        """Where the parts go, and which have arrived."""
        return self.ask("GET", self.file["mechanism"]["parts_url"])["parts"]

    def send(self) -> None:
        """Send the one part by its link, and have the file checked."""
        (part,) = self.parts()
        assert part["received"] is False
        assert "X-Amz-Signature=" in part["url"]
        done(requests.put(part["url"], data=self.wheel.content, timeout=60))
        (part,) = self.parts()
        assert part["received"] is True
        self.ask("POST", self.file["links"]["complete"])

    def publish(self) -> str:
        """Publish it; returns the session's status."""
        return str(self.ask("POST", self.links["publish"])["status"])


def unfinished(account: Account) -> set[str]:
    """What waits to be finished: the keys of uploads in parts, and of files that are staged or sent."""
    owner, found = account.client("Owner"), set()
    for upload in owner.list_multipart_uploads(Bucket=account.bucket).get("Uploads", []):
        found.add(upload["Key"])
    for folder in ("staging/", "uploads/"):
        prefix = account.prefix + folder
        listed = owner.list_objects_v2(Bucket=account.bucket, Prefix=prefix)
        found |= {each["Key"] for each in listed.get("Contents", [])}
    return found


def done(answer: requests.Response) -> requests.Response:
    """An answer of S3's that is a good one."""
    assert answer.ok, (answer.status_code, answer.text)
    return answer


def downloads(
    account: Account, name: str, wheel: BuiltDistribution, role: str = "Request", **settings: str
) -> None:
    """A reader gets the file by the link that the index gives, and may ask for its headers alone."""
    handle = http_handler(account.environment(role, **settings), uploads=role == "Upload")
    event = lambdas.get(f"/simple/{name}/{wheel.filename}", *USER)
    answer = handle(event, None)
    assert answer["statusCode"] == 302, answer
    assert done(requests.get(answer["headers"]["location"], timeout=60)).content == wheel.content
    event["requestContext"]["http"]["method"] = "HEAD"
    link = handle(event, None)["headers"]["location"]
    assert done(requests.head(link, timeout=60)).headers["content-length"] == str(
        len(wheel.content)
    )


# --- works ---


def a_session(account: Account, upstream: Upstream) -> None:
    """Published from parts, and read."""
    with_user(account)
    name, wheel = new_wheel()
    session = Session(account, name, wheel)
    session.send()
    assert session.publish() == "published"
    downloads(account, name, wheel)


def a_canceled_session(account: Account, upstream: Upstream) -> None:
    """Given up before and after its file is there, which leaves nothing behind."""
    with_user(account)
    before = unfinished(account)
    for sends in (False, True):
        session = Session(account, *new_wheel())
        if sends:
            session.send()
        session.ask("DELETE", session.links["session"])
    assert unfinished(account) == before


def a_session_that_is_beaten(account: Account, upstream: Upstream) -> None:
    """Somebody else put the very file there first: it is published all the same, and nothing is left."""
    with_user(account)
    name, wheel = new_wheel()
    before = unfinished(account)
    session = Session(account, name, wheel)
    session.send()
    account.put(f"packages/{name}/{wheel.filename}", wheel.content)
    assert session.publish() == "published"
    assert unfinished(account) == before


def an_upload(account: Account, upstream: Upstream) -> None:
    """By the legacy form, which the upload function reads as well."""
    with_user(account)
    name, wheel = new_wheel()
    handle = http_handler(account.environment("Upload"), uploads=True)
    for _ in range(2):
        answer = handle(lambdas.upload(name, wheel, *USER), None)
        assert answer["statusCode"] == 200, answer
    downloads(account, name, wheel)
    downloads(account, name, wheel, "Upload")


def a_mirrored_file(account: Account, upstream: Upstream) -> None:
    """Fetched from upstream while its reader waits, by either function."""
    with_user(account)
    for role in ("Request", "Upload"):
        name, wheel = new_wheel()
        upstream.add(wheel)
        mirrored = {"UPSTREAM_INDEX_URL": upstream.index}
        handle = http_handler(account.environment(role, **mirrored), uploads=role == "Upload")
        for path in ("", f"{wheel.filename}.metadata"):
            answer = handle(lambdas.get(f"/simple/{name}/{path}", *USER), None)
            assert answer["statusCode"] == 200, answer
        downloads(account, name, wheel, role, **mirrored)


def a_pulled_file(account: Account, upstream: Upstream) -> None:
    """A large one, in parts, by the function that is there for it."""
    with_user(account)
    name, wheel = new_wheel(LARGE)
    upstream.add(wheel)
    before = unfinished(account)
    mirrored = {"UPSTREAM_INDEX_URL": upstream.index}
    pull = pull_handler(account.environment("Pull", **mirrored))
    assert pull({"project": name, "filename": wheel.filename}, None) == {"stored": wheel.filename}
    downloads(account, name, wheel, **mirrored)
    assert unfinished(account) == before


def a_file_that_is_fetched_twice(account: Account, upstream: Upstream) -> None:
    """By each function that fetches, with another one being faster: nothing is left of the slower."""
    before = unfinished(account)
    for name, wheel, fetch in fetching(account, upstream):
        path = f"/files/{name}/{wheel.filename}"
        with ThreadPoolExecutor() as pool:
            with upstream.hold(path):
                fetched = pool.submit(fetch)
                while path not in upstream.paths("GET"):
                    time.sleep(0.01)
                account.put(f"mirror/files/{name}/{wheel.filename}", wheel.content)
            assert fetched.result()
    assert unfinished(account) == before


def a_file_that_cannot_be_stored(account: Account, upstream: Upstream) -> None:
    """By each function that fetches, while S3 fails: what was begun is given up."""

    def refuse(request: Request) -> int | None:
        broken = request.method == "PUT" and "/staging/" in request.path
        return 400 if broken and "partNumber" in request.query else None

    before = unfinished(account)
    for _, _, fetch in fetching(account, upstream):
        account.recorder.refuse = refuse
        try:
            assert not fetch()
        finally:
            account.recorder.refuse = lambda _: None
    assert unfinished(account) == before


def fetching(
    account: Account, upstream: Upstream
) -> Iterator[tuple[str, BuiltDistribution, Callable[[], bool]]]:
    """For each function that fetches files of upstream: a large one, and what has it fetched, or not."""
    with_user(account)
    settings = {"UPSTREAM_INDEX_URL": upstream.index, "UPSTREAM_REDIRECT_SIZE": "0"}
    for role in ("Pull", "Request", "Upload"):
        name, wheel = new_wheel(LARGE)
        upstream.add(wheel)
        environ = account.environment(role, **settings)
        if role == "Pull":
            order = {"project": name, "filename": wheel.filename}
            yield name, wheel, partial(_pulls, pull_handler(environ), order)
        else:
            event = lambdas.get(f"/simple/{name}/{wheel.filename}", *USER)
            yield (
                name,
                wheel,
                partial(_links, http_handler(environ, uploads=role == "Upload"), event),
            )


def _pulls(handle: Handler, order: dict[str, str]) -> bool:
    try:
        return bool(handle(order, None) == {"stored": order["filename"]})
    except StorageError:
        return False


def _links(handle: Handler, event: dict[str, Any]) -> bool:
    answer = handle(event, None)
    assert answer["statusCode"] in {302, 503}
    return bool(answer["statusCode"] == 302)


def a_rejected_file(account: Account, upstream: Upstream) -> None:
    """Dropped into the bucket and moved aside, twice the same."""
    name, _ = new_wheel()
    key = f"{account.prefix}packages/{name}/notes.txt"
    handle = arrival_handler(account.environment("Arrival"))
    described = {"bucket": {"name": account.bucket}, "object": {"key": key}}
    for _ in range(2):
        account.put(f"packages/{name}/notes.txt", b"notes")
        settled = handle({"source": "aws.s3", "detail": described}, None)["settled"]
        assert settled == {key: "rejected"}


def the_edge(account: Account, upstream: Upstream) -> None:
    """The guard at the edge lets in who is known, with a password or a token."""
    with_user(account)
    order = {"createToken": {"owner": "ci"}}
    token = admin_handler(account.environment("Admin"))(order, None)["token"]
    configuration = {
        "bucket": account.bucket,
        "region": account.server.region,
        "prefix": account.prefix,
    }
    guard = edge_handler(configuration, account.environment(EDGE))
    front = FRONTS["edge-viewer"]

    def status(user: str, password: str) -> int:
        pair = b64encode(f"{user}:{password}".encode()).decode()
        headers = (("Authorization", f"Basic {pair}"), ("Accept", "*/*"))
        answer = guard(front.event(Sent("GET", "/simple/", "", headers)), None)
        return int(answer.get("status", 200))

    assert [status(*USER), status("__token__", token)] == [200, 200]
    assert [status("nobody", "hunter2"), status(USER[0], "wrong")] == [401, 401]


WORKS: tuple[Work, ...] = (
    a_session,
    a_canceled_session,
    a_session_that_is_beaten,
    an_upload,
    a_mirrored_file,
    a_pulled_file,
    a_file_that_is_fetched_twice,
    a_file_that_cannot_be_stored,
    a_rejected_file,
    the_edge,
)


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.__name__)
def test_with_its_own_rights(account: Account, upstream: Upstream, work: Work) -> None:
    """Each function does all of its work with its own policies, presigned links included."""
    account.guard.refused.clear()
    work(account, upstream)
    assert account.guard.refused == []


@pytest.mark.parametrize(
    ("work", "role", "action", "folder"),
    [
        (a_session, "Upload", "s3:PutObject", "sessions"),
        (a_session, "Upload", "s3:GetObject", "sessions"),
        (a_session, "Upload", "s3:PutObject", "uploads"),
        (a_session, "Upload", "s3:GetObject", "uploads"),
        (a_session, "Upload", "s3:ListMultipartUploadParts", "uploads"),
        (a_session, "Upload", "s3:DeleteObject", "uploads"),
        (a_session, "Upload", "s3:PutObject", "packages"),
        (a_session, "Upload", "s3:PutObject", "projects"),
        (a_session, "Upload", "s3:PutObject", "catalogue"),
        (a_session, "Upload", "s3:PutObject", "audit"),
        (a_session, "Upload", "s3:GetObject", "tombstones"),
        (a_session, "Request", "s3:GetObject", "packages"),
        (a_canceled_session, "Upload", "s3:AbortMultipartUpload", "uploads"),
        (a_canceled_session, "Upload", "s3:DeleteObject", "uploads"),
        (a_session_that_is_beaten, "Upload", "s3:AbortMultipartUpload", "packages"),
        (an_upload, "Upload", "s3:PutObject", "packages"),
        (an_upload, "Upload", "s3:GetObject", "users"),
        (an_upload, "Request", "s3:GetObject", "projects"),
        (a_mirrored_file, "Request", "s3:PutObject", "mirror"),
        (a_mirrored_file, "Request", "s3:GetObject", "mirror"),
        (a_mirrored_file, "Upload", "s3:PutObject", "mirror"),
        (a_pulled_file, "Pull", "s3:PutObject", "mirror"),
        (a_pulled_file, "Pull", "s3:PutObject", "staging"),
        (a_pulled_file, "Pull", "s3:GetObject", "staging"),
        (a_pulled_file, "Pull", "s3:DeleteObject", "staging"),
        (a_pulled_file, "Pull", "s3:GetObject", "projects"),
        (a_file_that_is_fetched_twice, "Request", "s3:AbortMultipartUpload", "mirror"),
        (a_file_that_cannot_be_stored, "Request", "s3:AbortMultipartUpload", "staging"),
        (a_rejected_file, "Arrival", "s3:PutObject", "rejected"),
        (a_rejected_file, "Arrival", "s3:DeleteObject", "packages"),
        (a_rejected_file, "Arrival", "s3:GetObject", "packages"),
        (the_edge, EDGE, "s3:GetObject", "users"),
        (the_edge, EDGE, "s3:GetObject", "tokens"),
    ],
)
def test_without_one_of_them(
    account: Account, upstream: Upstream, work: Work, role: str, action: str, folder: str
) -> None:
    """Where a right is missing S3 refuses, and the work is not done."""
    account.guard.refused.clear()
    with (
        account.guard.lacking(role, action, folder),
        pytest.raises((AssertionError, StorageError)),
    ):
        work(account, upstream)
    wanted = f"/{account.prefix}{folder}/"
    assert account.guard.refused
    for refused in account.guard.refused:
        assert (refused.identity, refused.asked.action) == (role, action)
        assert wanted in refused.asked.resource


@pytest.mark.parametrize("role", ["Request", "Upload", "Arrival", "Pull", EDGE])
@pytest.mark.parametrize(
    ("method", "query"), [("POST", "uploads="), ("PUT", ""), ("DELETE", ""), ("GET", "uploads=")]
)
def test_a_link_holds_no_more_than_who_signed_it(
    account: Account, role: str, method: str, query: str
) -> None:
    """By a presigned link nobody gets at users, whatever operation is signed."""
    key = "" if method == "GET" else f"{account.prefix}users/somebody.json"
    link = account.client(role).generate_presigned_url(
        {
            "POST": "create_multipart_upload",
            "PUT": "put_object",
            "DELETE": "delete_object",
            "GET": "list_multipart_uploads",
        }[method],
        Params={"Bucket": account.bucket} | ({"Key": key} if key else {}),
        HttpMethod=method,
    )
    answer = requests.request(method, link, timeout=60)
    if role == "Upload" and method in {"PUT", "POST"}:  # which renews hashes
        assert answer.ok
    else:
        assert answer.status_code == 403
        assert "<Code>AccessDenied</Code>" in answer.text


def test_a_link_without_the_session_s_token(account: Account) -> None:
    """A function's credentials are temporary: a link has to carry their token."""
    key = {"Bucket": account.bucket, "Key": f"{account.prefix}packages/x"}
    link = account.client("Request").generate_presigned_url("get_object", Params=key)
    assert requests.get(link, timeout=60).status_code == 404
    stripped = "&".join(part for part in link.split("&") if "Security-Token" not in part)
    assert stripped != link
    assert requests.get(stripped, timeout=60).status_code == 403


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("KeepWarm", {"Request"}),
        ("Request", {"Pull"}),
        ("Upload", {"Pull"}),
        ("Pull", set()),
        ("Arrival", set()),
        ("Admin", set()),
        ("RebuildStateMachine", {"Rebuild"}),
        ("Reindex", {"Fetch", "Shard", "Activate", "Restart"}),
    ],
)
def test_who_may_invoke_whom(account: Account, role: str, may: set[str]) -> None:
    """Each role invokes the functions that it is there to invoke."""
    if role == "KeepWarm" and not account.prefix:
        pytest.skip("this stack keeps nothing warm")
    policies = Policies.of(documents(account.stack, role))
    functions = account.stack.client("lambda").list_functions()["Functions"]
    allowed = {
        each["FunctionName"]
        for each in functions
        if policies.grant(Asked("lambda:InvokeFunction", each["FunctionArn"]))
    }
    assert allowed == {
        name["FunctionName"]
        for name in functions
        if any(f"-{each}Function" in name["FunctionName"] for each in may)
    }
