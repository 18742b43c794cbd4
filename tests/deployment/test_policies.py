"""The functions' roles, as deployed, on an S3 that asks their policies before each request.

The emulator that runs the functions enforces none, so each function's own code runs here, with the access
key of its role, against a server with ``iam.guard`` before it. What presigned links do counts as well.
"""

import json
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from botocore.exceptions import ClientError

import lambdas
from distributions import BuiltDistribution, build_wheel
from dying import DyingStore
from iam.account import Account
from issuers import REPOSITORY, running_issuer
from upstream import Upstream
from wheelyard.access.lastuse import LastUse
from wheelyard.entry.admin import admin_handler
from wheelyard.entry.arriving import arrival_handler
from wheelyard.entry.functions import http_handler
from wheelyard.entry.rebuilding import rebuild_handler
from wheelyard.entry.stepping import Steps
from wheelyard.errors import FileExists
from wheelyard.index.catalogue import Catalogue
from wheelyard.protocol.model import File, Project
from wheelyard.protocol.names import ProjectName, project_name
from wheelyard.protocol.negotiation import JSON
from wheelyard.protocol.simple import project_json
from wheelyard.publish.rules import Rules
from wheelyard.publish.session import current_session
from wheelyard.publish.session_records import SessionRecords
from wheelyard.publish.sessions import Sessions
from wheelyard.publish.shelf import Shelf
from wheelyard.storage import keys
from wheelyard.storage.multipart import StoredParts
from wheelyard.storage.opening import open_bucket
from wheelyard.storage.store import Store

pytestmark = [pytest.mark.deployment, pytest.mark.xdist_group("deployment")]


def test_each_function_can_do_its_work(account: Account) -> None:
    """With its own policies and no others, each function does everything that it is there for."""
    administer = admin_handler(account.environment("Admin"))
    administer({"putUser": {"username": "alice", "password": "hunter2", "upload": True}}, None)
    administer({"putUser": {"username": "bob", "password": "hunter2"}}, None)
    assert administer({"removeUser": "bob"}, None)["removed"] is True

    upload = http_handler(account.environment("Upload"), uploads=True)
    wheel = build_wheel("acme-rocket", "1.0")
    for _ in range(2):
        sent = upload(lambdas.upload("acme-rocket", wheel, "alice", "hunter2"), None)
        assert sent["statusCode"] == 200
    assert (
        upload(lambdas.get("/+simple/acme-rocket/", "alice", "hunter2"), None)["statusCode"] == 200
    )

    read = http_handler(account.environment("Request"), uploads=False)
    page = "/simple/acme-rocket/"
    for path, status in [
        ("/simple/", 200),
        (page, 200),
        (f"{page}{wheel.filename}.metadata", 200),
        (f"{page}{wheel.filename}", 302),
        (f"{page}acme_rocket-9.tar.gz", 404),
        ("/simple/not-there/", 404),
    ]:
        assert read(lambdas.get(path, "alice", "hunter2"), None)["statusCode"] == status, path
    assert read(lambdas.get("/simple/", "carol", "hunter2"), None)["statusCode"] == 401


def test_sessions(account: Account) -> None:
    """A publishing session, finished or canceled, works with the upload function's own policies."""
    for publishes in (False, True):
        client = Client(account, "acme-winch")
        client.send(build_wheel("acme-winch", "1.0"))
        page = client.ask("GET", f"{client.links['stage']}acme-winch/")
        assert len(page["files"]) == 1
        if publishes:
            assert client.ask("POST", client.links["publish"])["status"] == "published"
        else:
            client.ask("DELETE", client.links["session"])


class Client:
    """Somebody with a publishing session, at the upload function with its own policies."""

    def __init__(self, account: Account, project: str) -> None:
        administer = admin_handler(account.environment("Admin"))
        administer({"putUser": {"username": "alice", "password": "hunter2", "upload": True}}, None)
        self._handle = http_handler(account.environment("Upload"), uploads=True)
        self.links = self.ask("POST", "/upload/", name=project, version="1.0")["links"]

    def ask(self, method: str, url: str, **document: object) -> Any:
        """The document that a request is answered with."""
        event = lambdas.session(method, urlsplit(url).path, document, "alice", "hunter2")
        event["headers"]["accept"] = JSON
        answer = self._handle(event, None)
        assert answer["statusCode"] < 300, answer
        body = answer.get("body") or "{}"
        return json.loads(b64decode(body) if answer.get("isBase64Encoded") else body)

    def send(self, built: BuiltDistribution) -> None:
        """A file, in one piece."""
        file = self.ask(
            "POST",
            self.links["upload"],
            filename=built.filename,
            size=len(built.content),
            hashes={"sha256": built.sha256},
            mechanism="http-post-bytes",
        )
        path = urlsplit(file["mechanism"]["file_url"]).path
        event = lambdas.session("POST", path, {}, "alice", "hunter2")
        event |= {"body": b64encode(built.content).decode(), "isBase64Encoded": True}
        assert self._handle(event, None)["statusCode"] == 204
        self.ask("POST", file["links"]["complete"])


class Beaten(DyingStore):
    """A store where a name is taken once so many files of a session are stored."""

    def __init__(self, store: Store, taken: int, take: Callable[[], None]) -> None:
        super().__init__(store, 0, after=False)
        self._taken = taken
        self._take = take
        self.stored = 0

    def copy(self, source: str, target: str) -> None:
        if self.stored == self._taken:
            self._take()
        super().copy(source, target)
        self.stored += 1


@pytest.mark.parametrize("taken", [0, 1, 2])
def test_a_session_that_fails(account: Account, taken: int) -> None:
    """With the roles' own policies, a file that is taken at whatever step leaves none of a session listed.

    The upload function may delete no published file, so it leaves what it stored to the arrival function.
    """
    project, other = f"acme-davit-{taken}", {"other.py": b"other = 1\n"}
    ours = [
        build_wheel(project, "1.0"),
        build_wheel(project, "1.0", tag="py3-none-win_amd64"),
        build_wheel(project, "1.0", tag="py3-none-win_arm64"),
    ]
    tag = ours[taken].filename.removesuffix(".whl").partition("-1.0-")[2]
    rival = build_wheel(project, "1.0", tag=tag, files=other)
    client = Client(account, project)
    for built in ours:
        client.send(built)
    owned = open_bucket(account.environment("Owner"), 60)

    def take() -> None:
        owned.put(f"packages/{project}/{rival.filename}", rival.content)

    beaten = Beaten(open_bucket(account.environment("Upload"), 60), taken, take)
    _fail(beaten, project_name(project))
    assert beaten.stored == taken
    orders = [entry.key for entry in owned.list(f"withdrawn/{project}/")]
    overwrites = account.prefix != ""
    assert len(orders) == (0 if overwrites else taken)  # where it may delete, it has
    for _ in range(2):
        _settle(account, [entry.key for entry in owned.list(f"packages/{project}/")] + orders)
        _rebuild(account, project)
    page = client.ask("GET", f"/simple/{project}/")
    assert [file["hashes"]["sha256"] for file in page["files"]] == [rival.sha256]
    assert not list(owned.list(f"withdrawn/{project}/"))
    files = client.ask("GET", client.links["session"])["files"]
    client.ask("DELETE", files[rival.filename]["link"])
    assert client.ask("POST", client.links["publish"])["status"] == "published"
    assert len(client.ask("GET", f"/simple/{project}/")["files"]) == len(ours)


def _fail(store: Store, name: ProjectName) -> None:
    """Publish the session of a release, which cannot be."""
    shelf = Shelf(store, Catalogue(store), Rules(10**9))
    session = current_session(store, name, "1")
    assert session is not None
    with pytest.raises(FileExists):
        Sessions(shelf, SessionRecords(store, StoredParts(store)), time.time).publish(session)


def _settle(account: Account, found: list[str]) -> None:
    """What the events of these keys lead to."""
    handler = arrival_handler(account.environment("Arrival"))
    for key in found:
        described = {"bucket": {"name": account.bucket}, "object": {"key": account.prefix + key}}
        handler({"source": "aws.s3", "detail": described}, None)


def _rebuild(account: Account, project: str) -> None:
    handler = rebuild_handler(account.environment("Rebuild"))
    handler({"step": "Survey", "run": project}, None)
    store = open_bucket(account.environment("Owner"), 60)
    found = [entry.key.rpartition("/")[2] for entry in store.list(f"packages/{project}/")]
    files = [name for name in found if not name.endswith(keys.SIDECARS)]
    piece = {"run": project, "project": project, "piece": 0, "files": files}
    handler({"step": "Examine", **piece}, None)
    handler({"step": "List", "run": project, "project": project, "pieces": 1}, None)


@pytest.mark.parametrize(
    ("role", "source", "target"),
    [
        ("Upload", "uploads/s/a", "packages/acme/acme-1.0.tar.gz"),
        ("Upload", "staging/a", "packages/acme/acme-2.0.tar.gz"),
        ("Upload", "staging/b", "mirror/files/acme/acme-1.0.tar.gz"),
        ("Request", "staging/c", "mirror/files/acme/acme-2.0.tar.gz"),
        ("Arrival", "packages/acme/acme-3.0.tar.gz", "rejected/0/acme/acme-3.0.tar.gz"),
    ],
)
def test_copies_in_parts(account: Account, role: str, source: str, target: str) -> None:
    """Every step of a copy in parts, given up or brought to its end, is within its function's policies."""
    found = {"Bucket": account.bucket, "Key": account.prefix + source}
    at = {"Bucket": account.bucket, "Key": account.prefix + target}
    account.client("Owner").put_object(**found, Body=b"content")
    client = account.client(role)
    for finishes in (False, True):
        upload = {**at, "UploadId": client.create_multipart_upload(**at)["UploadId"]}
        part = client.upload_part_copy(**upload, PartNumber=1, CopySource=found)
        if finishes:
            parts = [{"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]}]
            client.complete_multipart_upload(
                **upload, MultipartUpload={"Parts": parts}, IfNoneMatch="*"
            )
        else:
            client.abort_multipart_upload(**upload)
    assert account.client("Owner").head_object(**at)["ContentLength"] == len(b"content")


def test_tokens(account: Account) -> None:
    """A token made by one function is good at the others, which note that it was used."""
    administer = admin_handler(account.environment("Admin"))
    made = administer({"createToken": {"owner": "ci", "upload": ["acme-*"]}}, None)
    assert made["id"] in [token["id"] for token in administer("listTokens", None)["tokens"]]
    upload = http_handler(account.environment("Upload"), uploads=True)
    read = http_handler(account.environment("Request"), uploads=False)
    wheel = build_wheel("acme-crate", "1.0")
    sent = upload(lambdas.upload("acme-crate", wheel, "__token__", made["token"]), None)
    assert sent["statusCode"] == 200
    page = lambdas.get("/simple/acme-crate/", "__token__", made["token"])
    assert read(page, None)["statusCode"] == 200
    use = f"{account.prefix}{keys.token_use(made['id'])}"
    for role in ("Upload", "Request"):
        LastUse(open_bucket(account.environment(role), 60), time.time).write(made["id"])
        account.client("Owner").delete_object(Bucket=account.bucket, Key=use)
    assert administer({"revokeToken": made["id"]}, None)["revoked"] is True


def test_passwords_are_rehashed(account: Account) -> None:
    """The upload function renews a cheap hash; the request function only verifies it."""
    administer = admin_handler(account.environment("Admin"))
    administer({"putUser": {"username": "dave", "password": "hunter2", "upload": True}}, None)
    owner, key = account.client("Owner"), f"{account.prefix}{keys.user('dave')}"
    for role, uploads, rounds in (("Request", False, b"$25000$"), ("Upload", True, b"$30000$")):
        environ = account.environment(role, PASSWORD_ROUNDS="30000")
        handler = http_handler(environ, uploads=uploads)
        assert handler(lambdas.get("/", "dave", "hunter2"), None)["statusCode"] == 200
        assert rounds in owner.get_object(Bucket=account.bucket, Key=key)["Body"].read()


def test_trusted_publishing(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The upload function makes tokens for trusted publishers, and ends them."""
    administer = admin_handler(account.environment("Admin"))
    upload = http_handler(account.environment("Upload"), uploads=True)
    with running_issuer(tmp_path) as provider:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(provider.authority.file))
        order = {
            "kind": "github",
            "claims": {"repository": REPOSITORY},
            "projects": ["acme-kite"],
            "issuer": provider.issuer.url,
        }
        added = administer({"addPublisher": order}, None)
        identity = {"token": provider.issuer.token()}
        minted = upload(lambdas.post("/_/oidc/mint-token", identity), None)
        assert minted["statusCode"] == 200, minted
        again = upload(lambdas.post("/_/oidc/mint-token", identity), None)
        assert "used before" in again["body"]
        # What was spent is forgotten after a while, with the token that it was spent for.
        monkeypatch.setattr("wheelyard.access.minting.OLDEST", -3600)
        identity = {"token": provider.issuer.token()}
        minted = upload(lambdas.post("/_/oidc/mint-token", identity), None)
        assert minted["statusCode"] == 200, minted
    token = json.loads(minted["body"])["token"]
    wheel = build_wheel("acme-kite", "1.0")
    sent = upload(lambdas.upload("acme-kite", wheel, "__token__", token), None)
    assert sent["statusCode"] == 200
    burnt = upload(lambdas.post("/_/oidc/burn-token", {"token": token}), None)
    assert burnt["statusCode"] == 202
    owners = [found["owner"] for found in administer("listTokens", None)["tokens"]]
    assert f"github:{REPOSITORY}" not in owners
    assert administer({"removePublisher": added["id"]}, None)["removed"] is True


def test_rebuild(account: Account) -> None:
    """Every step of a rebuild works with the rebuild function's own policies and no others."""
    owner = account.client("Owner")
    wheel = build_wheel("acme-crane", "1.0")
    key = f"{account.prefix}packages/acme-crane/{wheel.filename}"
    owner.put_object(Bucket=account.bucket, Key=key, Body=wheel.content)
    handler = rebuild_handler(account.environment("Rebuild"))
    handler({"step": "Survey", "run": "r"}, None)
    piece = {"run": "r", "project": "acme-crane", "piece": 0, "files": [wheel.filename]}
    assert handler({"step": "Examine", **piece}, None) == 1
    assert handler({"step": "List", "run": "r", "project": "acme-crane", "pieces": 1}, None) == 1
    assert handler({"step": "Report", "run": "r"}, None)["projects_changed"] == 1


def test_reindex(account: Account, upstream: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every step works with its own function's policies and no others, sweeping included."""
    mirrored = {"UPSTREAM_INDEX_URL": upstream.with_credentials()}
    step = {
        role.lower(): Steps(account.environment(role, **mirrored)).handlers[role.lower()]
        for role in ("Fetch", "Shard", "Activate")
    }

    def reindex(*, force: bool = False, relist: bool = False) -> object:
        fetched = step["fetch"]({"force": force, "relist": relist}, None)
        parts = [{"part": part, "base": fetched["base"]} for part in fetched["parts"]]
        sharded = [step["shard"](part, None) for part in parts]
        payload = {"fetched": fetched, "sharded": sharded, "force": force}
        return step["activate"](payload, None)["outcome"]

    for names in (["flask", "six"], ["seven"]):
        upstream.add_names(names)
        assert reindex() == "activated"
    Catalogue(open_bucket(account.environment("Owner"), 60)).add(project_name("acme-listed"))
    assert reindex(relist=True) == "activated"
    assert step["fetch"]({"force": False, "relist": True}, None)["outcome"] == "unchanged"
    # From now on whatever is not needed any more is past its grace period at once.
    monkeypatch.setattr("wheelyard.mirror.sweeping.GRACE", timedelta(hours=-1))
    account.put("upstream/parts/of-a-run-that-was-killed/00.gz", b"")
    del upstream.names["seven"]
    upstream.add_names(["eight"])
    assert reindex(force=True) == "activated"
    owner = account.client("Owner")
    for folder, objects in (("listing", 4), ("upstream/parts", 0), ("upstream/retired", 0)):
        prefix = f"{account.prefix}{folder}/"
        assert owner.list_objects_v2(Bucket=account.bucket, Prefix=prefix)["KeyCount"] == objects

    administer = admin_handler(account.environment("Admin"))
    administer({"putUser": {"username": "dora", "password": "hunter2"}}, None)
    for role in ("Request", "Upload"):
        read = http_handler(account.environment(role, **mirrored), uploads=role == "Upload")
        answer = read(lambdas.get("/simple/", "dora", "hunter2", JSON), None)
        assert answer["statusCode"] == 200, answer
        found = {project["name"] for project in json.loads(answer["body"])["projects"]}
        assert {"acme-listed", "flask", "six", "eight"} <= found
        assert "seven" not in found


def test_arrivals(account: Account) -> None:
    """The arrival function lists, unlists and moves aside with its own policies and no others."""
    owner = account.client("Owner")
    handler = arrival_handler(account.environment("Arrival"))
    wheel = build_wheel("acme-boat", "1.0")
    folder = f"{account.prefix}packages/acme-boat/"

    def settle(name: str) -> object:
        described = {"bucket": {"name": account.bucket}, "object": {"key": folder + name}}
        return handler({"source": "aws.s3", "detail": described}, None)["settled"][folder + name]

    for name, body, outcome in (
        (wheel.filename, wheel.content, "listed"),
        ("notes.txt", b"", "rejected"),
        (wheel.filename, None, "removed"),
        (wheel.filename, wheel.content, "listed"),
    ):
        if body is None:
            owner.delete_object(Bucket=account.bucket, Key=folder + name)
        else:
            owner.put_object(Bucket=account.bucket, Key=folder + name, Body=body)
        assert settle(name) == outcome


def test_management(account: Account) -> None:
    """The admin function can do everything that management is, and shows it in the audit trail."""
    administer = admin_handler(account.environment("Admin"))
    administer({"putUser": {"username": "alice", "password": "hunter2", "upload": True}}, None)
    upload = http_handler(account.environment("Upload"), uploads=True)
    wheel = build_wheel("acme-lander", "1.0")
    assert (
        upload(lambdas.upload("acme-lander", wheel, "alice", "hunter2"), None)["statusCode"] == 200
    )
    release = {"project": "acme-lander", "version": "1"}
    project = {"project": "acme-lander"}
    assert administer({"yankRelease": release}, None)["changed"]
    assert administer({"unyankRelease": release}, None)["changed"]
    assert administer({"setStatus": {**project, "status": "deprecated"}}, None)["changed"]
    assert administer({"showProject": project}, None)["versions"] == ["1.0"]
    assert administer({"listProjects": {"prefix": "acme-lander"}}, None)["items"]
    assert administer({"deleteRelease": release}, None)["deleted"] == [wheel.filename]
    assert administer({"releaseName": project}, None)["released"]
    actions = [event["action"] for event in administer({"listAudit": project}, None)["items"]]
    assert actions == ["release-name", "delete", "status", "unyank", "yank", "upload"]


@pytest.mark.parametrize("role", ["Request", "Upload"])
def test_oversize_page(account: Account, role: str) -> None:
    """A page too large for a function's answer can be stored by whichever function is asked for it."""
    files = tuple(
        File(
            filename=f"huge-{number}.0.tar.gz",
            url=f"huge-{number}.0.tar.gz",
            hashes={"sha256": f"{number:064x}"},
            size=1,
        )
        for number in range(40_000)
    )
    document = project_json(Project("huge", files))  # type: ignore[arg-type] # a normalised name
    owner = account.client("Owner")
    owner.put_object(
        Bucket=account.bucket, Key=f"{account.prefix}projects/huge.json", Body=document
    )
    admin_handler(account.environment("Admin"))(
        {"putUser": {"username": "alice", "password": "hunter2"}}, None
    )
    handler = http_handler(account.environment(role), uploads=role == "Upload")
    answer = handler(lambdas.get("/simple/huge/", "alice", "hunter2", "text/html"), None)
    assert answer["statusCode"] == 302
    location = answer["headers"]["location"]
    key = urlsplit(location).path.removeprefix(f"/{account.bucket}/")
    assert key.startswith(f"{account.prefix}oversize/")
    page = requests.get(location, timeout=60)
    assert page.ok
    assert page.content.count(b"<a ") == 40_000


def test_overwrite(account: Account) -> None:
    """Replacing published files works where the stack was deployed for it, and only there."""
    tuned = account.prefix != ""
    administer = admin_handler(account.environment("Admin"))
    administer({"putUser": {"username": "alice", "password": "hunter2", "upload": True}}, None)
    settings = {"OVERWRITE": "allow", "REUSE_DELETED": "allow"}
    upload = http_handler(account.environment("Upload", **settings), uploads=True)
    statuses = [
        upload(lambdas.upload("acme-glider", wheel, "alice", "hunter2"), None)["statusCode"]
        for wheel in (
            build_wheel("acme-glider", "1.0"),
            build_wheel("acme-glider", "1.0", files={"acme_glider/__init__.py": b"new = 1\n"}),
        )
    ]
    assert (statuses == [200, 200]) is tuned


@pytest.mark.parametrize(
    ("role", "action", "key"),
    [
        ("Request", "put_object", "packages/acme/acme-1.0.tar.gz"),
        ("Request", "put_object", "projects/acme.json"),
        ("Request", "put_object", "users/somebody.json"),
        ("Request", "delete_object", "packages/acme/acme-1.0.tar.gz"),
        ("Request", "get_object", "audit/2026/11/22/entry.json"),
        ("Request", "put_object", "tokens/somebody.json"),
        ("Request", "put_object", "publishers/somebody.json"),
        ("Upload", "put_object", "publishers/somebody.json"),
        ("Upload", "delete_object", "users/somebody.json"),
        ("Upload", "delete_object", "projects/acme.json"),
        ("Upload", "put_object", "tombstones/acme/acme-1.0.tar.gz.json"),
        ("Rebuild", "get_object", "users/somebody.json"),
        ("Rebuild", "delete_object", "packages/acme/acme-1.0.tar.gz"),
        ("Rebuild", "delete_object", "projects/acme.json"),
        ("Arrival", "get_object", "users/somebody.json"),
        ("Arrival", "delete_object", "projects/acme.json"),
        ("Arrival", "delete_object", "rejected/0/acme-1.0.tar.gz"),
        ("Admin", "get_object", "packages/acme/acme-1.0.tar.gz"),
        ("Admin", "put_object", "packages/acme/acme-1.0.tar.gz"),
        ("Admin", "get_object", "mirror/pages/acme.json"),
        ("Upload", "get_object", "audit/2026/11/22/entry.json"),
        ("Upload", "delete_object", "audit/2026/11/22/entry.json"),
        ("Admin", "delete_object", "audit/2026/11/22/entry.json"),
        ("Admin", "delete_object", "tombstones/acme/acme-1.0.tar.gz.json"),
        ("Upload", "put_object", "audit/2026/11/22/entry.json"),  # over what is there
        ("Admin", "put_object", "audit/2026/11/22/entry.json"),
        ("Pull", "get_object", "packages/acme/acme-1.0.tar.gz"),
        ("Pull", "put_object", "projects/acme.json"),
        ("Pull", "get_object", "users/somebody.json"),
        ("Edge", "get_object", "packages/acme/acme-1.0.tar.gz"),
        ("Edge", "get_object", "projects/acme.json"),
        ("Edge", "put_object", "users/somebody.json"),
    ],
)
def test_no_function_can_do_more(account: Account, role: str, action: str, key: str) -> None:
    """Taken over, a function is no help to do another one's work, wherever it tries."""
    for prefix in (account.prefix, "", "acme/other/"):
        with pytest.raises(ClientError, match="AccessDenied"):
            getattr(account.client(role), action)(Bucket=account.bucket, Key=f"{prefix}{key}")


def test_uploads_delete_nothing(account: Account) -> None:
    """As it is by default, whoever has the upload function cannot delete a published file."""
    client = account.client("Upload")
    key = f"{account.prefix}packages/acme/acme-1.0.tar.gz"
    if account.prefix:  # Overwrite=allow
        client.delete_object(Bucket=account.bucket, Key=key)
    else:
        with pytest.raises(ClientError, match="AccessDenied"):
            client.delete_object(Bucket=account.bucket, Key=key)


@pytest.mark.parametrize(("role", "folder"), [("Request", "projects"), ("Upload", "packages")])
def test_prefix_ends_at_a_folder(account: Account, role: str, folder: str) -> None:
    """What one may read below the prefix, one may not read beside it."""
    client = account.client(role)
    beside = {"", "acme/", "acme/index-2/", "other/acme/index/"} - {account.prefix}
    for prefix in beside:
        with pytest.raises(ClientError, match="AccessDenied"):
            client.get_object(Bucket=account.bucket, Key=f"{prefix}{folder}/acme.json")
    with pytest.raises(ClientError, match="NoSuchKey"):
        client.get_object(Bucket=account.bucket, Key=f"{account.prefix}{folder}/acme.json")
