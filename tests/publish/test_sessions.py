"""Publishing sessions, as a client sees them (PEP 694)."""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
import urllib3
from obstore.store import MemoryStore

from distributions import BuiltDistribution, build_sdist, build_wheel
from dying import DyingStore, Killed
from forms import SIGNATURE, attestation
from indexes import JSON, READER, UPLOADER, Index, content, random_bytes
from stores import Bucket
from wheelyard.access.rights import parse_rights
from wheelyard.access.users import Users
from wheelyard.audit.event import Actor, Event
from wheelyard.audit.trail import Trail
from wheelyard.entry.http import Response
from wheelyard.errors import Conflict
from wheelyard.index.catalogue import Catalogue
from wheelyard.protocol.names import project_name
from wheelyard.publish.arrivals import Arrivals
from wheelyard.publish.rules import Rules
from wheelyard.publish.session import Session, current_session
from wheelyard.publish.session_files import PARTS, Announced, SessionFiles
from wheelyard.publish.session_records import SessionRecords
from wheelyard.publish.sessions import LIFETIME, Sessions
from wheelyard.publish.shelf import Shelf
from wheelyard.storage import keys
from wheelyard.storage.directory import DirectoryStore
from wheelyard.storage.multipart import multipart
from wheelyard.storage.objects import ObjectStore
from wheelyard.storage.sizes import SMALLEST_PART
from wheelyard.storage.store import Store

TYPE = "application/vnd.pypi.upload.v2+json"
BYTES = "http-post-bytes"
NAME = project_name("acme-tools")
WHEEL, SDIST = build_wheel("acme-tools", "1.0"), build_sdist("acme-tools", "1.0")
OTHER = build_wheel("acme-tools", "1.0", files={"acme_tools/__init__.py": b"other = 1"})
SECOND = ("second", "second-password")


@pytest.fixture(params=["memory", "directory", "s3_weed", "s3_moto"])
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Index:
    """An index over an empty store of every kind."""
    if request.param == "memory":
        return Index()
    if request.param == "directory":
        return Index(DirectoryStore(tmp_path / "store"))
    server = request.getfixturevalue(request.param)
    return Index(Bucket(server, server.new_bucket(), "acme").open())


@pytest.fixture
def memory() -> Index:
    """An index over memory, for what does not depend on the store."""
    return Index()


class Client:
    """Somebody with a session."""

    def __init__(
        self, index: Index, links: Mapping[str, str], user: tuple[str, str] = UPLOADER
    ) -> None:
        self.index = index
        self.links = links
        self.user = user

    def start(self, built: BuiltDistribution, mechanism: str = BYTES, **changed: Any) -> Response:
        """Announce a file."""
        document = {
            "filename": built.filename,
            "size": len(built.content),
            "hashes": {"sha256": built.sha256},
            "mechanism": mechanism,
            **changed,
        }
        return post(self.index, self.links["upload"], document, self.user)

    def send(self, built: BuiltDistribution, **changed: Any) -> Response:
        """Announce, send and complete a file; the last answer."""
        started = self.start(built, **changed)
        if started.status != 202:
            return started
        file = document(started)
        ask(self.index, "POST", file["mechanism"]["file_url"], self.user, [built.content])
        return ask(self.index, "POST", file["links"]["complete"], self.user)

    def publish(self) -> Response:
        """Publish the session."""
        return ask(self.index, "POST", self.links["publish"], self.user)

    def status(self) -> Any:
        """What the session says of itself."""
        return document(ask(self.index, "GET", self.links["session"], self.user))


def ask(
    index: Index, method: str, url: str, user: Any = UPLOADER, body: Any = (), type_: str = ""
) -> Response:
    """A request for one of the session's own links."""
    target = urlsplit(url)
    path = target.path + (f"?{target.query}" if target.query else "")
    return index.ask(method, path, user, {"content-type": type_}, body, host="p.example")


def post(index: Index, url: str, sent: Mapping[str, Any], user: Any = UPLOADER) -> Response:
    """A document sent to a link."""
    body = json.dumps({"meta": {"api-version": "2.0"}, **sent}).encode()
    return ask(index, "POST", url, user, [body], TYPE)


def document(response: Response) -> Any:
    """The JSON of an answer."""
    return json.loads(content(response))


def opened(index: Index, version: str = "1.0", user: tuple[str, str] = UPLOADER) -> Client:
    """A new session."""
    answer = post(index, "/upload/", {"name": "Acme.Tools", "version": version}, user)
    assert answer.status == 201, document(answer)
    assert answer.header("content-type") == TYPE
    assert answer.header("location") == document(answer)["links"]["session"]
    return Client(index, document(answer)["links"], user)


def listed(index: Index) -> list[str]:
    """The project's page, empty if there is none."""
    page = document(index.get("/simple/acme-tools/", JSON))
    return [file["filename"] for file in page.get("files", [])]


def test_a_release(index: Index) -> None:
    """Nothing is to be seen of a session's files until it is published; then all of them are."""
    client = opened(index)
    for built in (WHEEL, SDIST):
        assert client.send(built).status == 201
        assert index.get("/simple/acme-tools/").status == 404
    status = client.status()
    assert status["status"] == "open"
    assert {n: f["status"] for n, f in status["files"].items()} == {
        WHEEL.filename: "completed",
        SDIST.filename: "completed",
    }
    assert client.publish().status == 201
    assert set(listed(index)) == {WHEEL.filename, SDIST.filename}
    assert client.status()["status"] == "published"
    for built in (WHEEL, SDIST):
        served = index.get(f"/simple/acme-tools/{built.filename}")
        assert served.status == 302 or content(served) == built.content
        assert index.store.get(keys.package(NAME, built.filename)).body == built.content
    assert not list(index.store.list(keys.UPLOADED))
    assert client.publish().status == 201  # whose answer was lost
    uploaded = Index()
    for built in (WHEEL, SDIST):
        uploaded.upload(built)
    names = [Catalogue(each.store).names() for each in (index, uploaded)]
    assert names == [[NAME], [NAME]]


def test_parts(index: Index, request: pytest.FixtureRequest) -> None:
    """A large file comes in parts, in any order and some of them twice, each to its own link."""
    data = random_bytes(2 * SMALLEST_PART + 1000)
    built = build_wheel("acme-tools", "1.0", files={"acme_tools/data.bin": data})
    client = opened(index)
    started = client.start(built, PARTS)
    assert started.status == 202
    file = document(started)
    parts = document(ask(index, "GET", file["mechanism"]["parts_url"]))["parts"]
    assert sum(part["size"] for part in parts) == len(built.content)
    assert [part["received"] for part in parts] == [False] * 3
    size = file["mechanism"]["part_size"]

    def send(number: int) -> None:
        [part] = [part for part in parts if part["number"] == number]
        piece = built.content[(number - 1) * size : number * size]
        if "X-Amz-Signature" in part["url"]:
            answer = urllib3.request("PUT", part["url"], body=piece)
            assert answer.status == 200, answer.data
        else:
            assert ask(index, "PUT", part["url"], UPLOADER, [piece]).status == 204

    send(3)
    send(1)
    early = ask(index, "POST", file["links"]["complete"])
    assert early.status == 409
    assert "send the parts that are missing" in document(early)["detail"]
    # A client that was cut off finds the session, and in it what has arrived.
    again = post(index, "/upload/", {"name": "acme-tools", "version": "1.0.0"})
    assert again.status == 409
    assert again.header("location") == client.links["session"]
    known = client.start(built, PARTS)
    assert known.status == 409
    found = document(ask(index, "GET", known.header("location") or ""))
    assert (found["status"], found["meta"]["_wheelyard"]["size"]) == ("pending", len(built.content))
    parts = document(ask(index, "GET", found["mechanism"]["parts_url"]))["parts"]
    assert [part["received"] for part in parts] == [True, False, True]
    send(2)
    if "s3_weed" not in request.node.name:  # which cannot copy the object then
        send(2)
    completed = ask(index, "POST", file["links"]["complete"])
    assert completed.status == 201, document(completed)
    assert client.publish().status == 201
    stored = b"".join(index.store.read(keys.package(NAME, built.filename)))
    assert hashlib.sha256(stored).hexdigest() == built.sha256
    assert not list(index.store.list(keys.UPLOADED))


def test_attestations(memory: Index) -> None:
    """Attestations come beside a file, are checked with it, and served as its provenance."""
    client = opened(memory)
    file = document(client.start(WHEEL))
    ask(memory, "POST", file["mechanism"]["file_url"], UPLOADER, [WHEEL.content])
    url = file["mechanism"]["attestations_url"]
    ask(memory, "POST", url, UPLOADER, [json.dumps([attestation(SDIST)]).encode()])
    refused = ask(memory, "POST", file["links"]["complete"])
    assert (refused.status, "not about" in document(refused)["detail"]) == (400, True)
    assert client.status()["files"][WHEEL.filename]["status"] == "error"
    file = document(client.start(WHEEL))
    ask(memory, "POST", file["mechanism"]["file_url"], UPLOADER, [WHEEL.content])
    ask(memory, "POST", url, UPLOADER, [json.dumps([attestation(WHEEL)]).encode()])
    assert ask(memory, "POST", file["links"]["complete"]).status == 201
    client.publish()
    provenance = memory.get(f"/simple/acme-tools/{WHEEL.filename}.provenance")
    assert document(provenance)["attestation_bundles"][0]["attestations"] == [attestation(WHEEL)]


def test_none_where_one_cannot(index: Index) -> None:
    """If one file was published with other content meanwhile, none of the session's is published.

    The session is open still: without that file, the others are.
    """
    client = opened(index)
    client.send(SDIST)
    client.send(WHEEL)
    assert index.upload(OTHER).status == 200
    answer = client.publish()
    assert answer.status == 409
    assert "File already exists" in document(answer)["detail"]
    assert document(answer)["meta"] == {"api-version": "2.0"}
    assert OTHER.filename in document(answer)["errors"][0]["message"]
    assert listed(index) == [OTHER.filename]
    stored = {entry.key.rpartition("/")[2] for entry in index.store.list(keys.PACKAGES)}
    assert stored == {OTHER.filename, f"{OTHER.filename}.metadata"}
    assert client.status()["status"] == "open"
    assert ask(index, "DELETE", client.status()["files"][WHEEL.filename]["link"]).status == 204
    assert client.publish().status == 201
    assert set(listed(index)) == {OTHER.filename, SDIST.filename}
    assert not list(index.store.list(keys.UPLOADED))


def test_taking_back(memory: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was stored already when another file turns out to be taken is taken back."""
    client = opened(memory)
    client.send(SDIST)
    client.send(WHEEL)
    place = Shelf.place

    def beaten(shelf: Shelf, incoming: Any, source: Any, session: str) -> Any:
        if incoming.filename == WHEEL.filename:
            shelf.store.put(keys.package(NAME, WHEEL.filename), OTHER.content)
        return place(shelf, incoming, source, session)

    with monkeypatch.context() as patched:
        patched.setattr(Shelf, "place", beaten)
        assert client.publish().status == 409
    stored = [entry.key for entry in memory.store.list(keys.PACKAGES)]
    assert stored == [keys.package(NAME, WHEEL.filename)]
    assert memory.store.get(stored[0]).body == OTHER.content


def test_files_that_are_published(memory: Index) -> None:
    """A file that is published with the same content already may be in a session; another may not."""
    memory.upload(WHEEL)
    client = opened(memory)
    assert client.start(OTHER).status == 409
    assert client.send(WHEEL).status == 201
    assert client.send(SDIST).status == 201
    assert client.publish().status == 201
    assert set(listed(memory)) == {WHEEL.filename, SDIST.filename}


def test_replacing_a_file(memory: Index) -> None:
    """Until it is published, a file can be taken out and another one sent under its name."""
    client = opened(memory)
    client.send(WHEEL)
    again = client.start(OTHER)
    assert again.status == 409
    assert ask(memory, "DELETE", client.status()["files"][WHEEL.filename]["link"]).status == 204
    assert client.status()["files"] == {}
    assert client.send(OTHER).status == 201
    client.publish()
    page = document(memory.get("/simple/acme-tools/", JSON))
    assert page["files"][0]["hashes"]["sha256"] == OTHER.sha256


def test_canceling(memory: Index) -> None:
    """A canceled session is over: its files are gone, and another one can be opened."""
    client = opened(memory)
    client.send(WHEEL)
    assert ask(memory, "DELETE", client.links["session"]).status == 204
    assert not list(memory.store.list(keys.UPLOADED))
    assert ask(memory, "GET", client.links["session"]).status == 404
    assert client.send(SDIST).status == 404
    assert client.publish().status == 404
    assert ask(memory, "GET", client.links["stage"]).status == 404
    assert opened(memory).links != client.links


def test_extending(memory: Index) -> None:
    """A session can be made to live longer, up to a limit, and never shorter."""
    client = opened(memory)
    before = client.status()["expires-at"]

    def extend(seconds: int) -> str:
        answer = post(memory, client.links["extend"], {"extend-for": seconds})
        assert answer.status == 200
        return str(document(answer)["expires-at"])

    assert extend(60) == before
    longer = extend(30 * 3600)
    assert longer > before
    assert extend(10**9) == extend(10**10) > longer


def test_another_user(memory: Index) -> None:
    """A session belongs to whoever may upload to its project when they ask; all others have 403."""
    users = Users(memory.store)
    users.put(*SECOND, upload=True)
    client = opened(memory)
    second = Client(memory, client.links, SECOND)
    assert client.send(WHEEL).status == 201
    assert second.send(SDIST).status == 201
    sent = {"name": "acme-tools", "version": "1.0"}
    known = post(memory, "/upload/", sent, SECOND)
    assert (known.status, known.header("location")) == (409, client.links["session"])
    assert post(memory, "/upload/", sent, None).status == 401
    for url in ("/upload/", client.links["session"], client.links["upload"]):
        refused = post(memory, url, sent, READER)
        assert (refused.status, refused.header("location")) == (403, None)
        assert document(refused)["meta"] == {"api-version": "2.0"}
    assert second.publish().status == 201
    assert set(listed(memory)) == {WHEEL.filename, SDIST.filename}
    (upload,) = uploads(memory.store)
    assert upload.actor.user == SECOND[0]


def uploads(store: Store) -> list[Event]:
    """What the audit trail has of uploads."""
    now = datetime.now(UTC)
    found = Trail(store).between(now - timedelta(days=1), now + timedelta(days=1))
    return [event for event in found if event.change.action == "upload"]


def test_no_files(memory: Index) -> None:
    """A session without files makes its project, which is private from then on."""
    client = opened(memory)
    assert memory.get("/simple/acme-tools/").status == 404
    assert client.publish().status == 201
    assert memory.get("/simple/acme-tools/").status == 200
    assert listed(memory) == []
    assert Catalogue(memory.store).names() == [NAME]


# --- the stage ---


def test_stage(index: Index) -> None:
    """What is completed can be installed from the stage, by whoever may read and has the token."""
    client = opened(index)
    client.send(WHEEL)
    client.start(SDIST)
    stage = client.links["stage"]
    assert stage == f"https://p.example/upload/-/stage/{client.status()['session-token']}/"
    for user in (UPLOADER, READER):
        names = [p["name"] for p in document(preview(index, stage, user))["projects"]]
        assert names == ["acme-tools"]
        page = document(preview(index, f"{stage}acme-tools/", user))
        assert [file["filename"] for file in page["files"]] == [WHEEL.filename]
        assert page["files"][0]["hashes"] == {"sha256": WHEEL.sha256}
    html = content(ask(index, "GET", f"{stage}acme-tools/", READER))
    assert f'href="{WHEEL.filename}#sha256={WHEEL.sha256}"'.encode() in html
    served = ask(index, "GET", f"{stage}acme-tools/{WHEEL.filename}", READER)
    assert served.header("cache-control") == "no-store"
    if served.status == 302:
        fetched = urllib3.request("GET", served.header("location") or "")
        assert (fetched.status, fetched.data) == (200, WHEEL.content)
    else:
        assert content(served) == WHEEL.content
    metadata = ask(index, "GET", f"{stage}acme-tools/{WHEEL.filename}.metadata", READER)
    digest = {"sha256": hashlib.sha256(content(metadata)).hexdigest()}
    assert page["files"][0]["core-metadata"] == digest
    assert index.get("/simple/acme-tools/").status == 404
    for url, status in (
        (f"{stage}acme-tools/{SDIST.filename}", 404),
        (f"{stage}acme-tools/{WHEEL.filename}.asc", 404),
        (f"{stage}acme-kit/", 404),
        (f"{stage}Acme.Tools/", 301),
        (f"{stage}acme-tools", 301),
        (stage.rstrip("/"), 301),
        (stage[:-3] + ("11/" if stage.endswith("00/") else "00/"), 404),
        (stage.replace("_1_", "_2_"), 404),
        (stage.replace("acme-tools_", "-_"), 404),
        (stage.replace("_", ""), 404),
    ):
        assert ask(index, "GET", url, READER).status == status, url
    astray = index.ask("GET", f"{urlsplit(stage).path}Acme.Tools/\u4f60?format=json")
    assert astray.header("location") == "../acme-tools/%E4%BD%A0?format=json"
    assert ask(index, "GET", stage, None).status == 401
    assert ask(index, "POST", stage, UPLOADER).status == 405
    client.send(SDIST)
    ask(index, "DELETE", client.status()["files"][SDIST.filename]["link"])
    client.publish()
    assert ask(index, "GET", stage, READER).status == 404


def preview(index: Index, url: str, user: tuple[str, str]) -> Response:
    """A page of a stage, in JSON."""
    path = urlsplit(url).path
    return index.ask("GET", path, user, {"accept": JSON}, (), host="p.example")


def test_stage_of_a_hidden_project(memory: Index) -> None:
    """To whom the project is hidden, its stage is, too."""
    Users(memory.store).put(*SECOND, rights=parse_rights({"read": ["other-*"]}))
    client = opened(memory)
    assert ask(memory, "GET", client.links["stage"], SECOND).status == 404


def test_signature(index: Index) -> None:
    """A signature comes beside a file, and is served with it, before and after it is published."""
    client = opened(index)
    file = document(client.start(WHEEL))
    ask(index, "POST", file["mechanism"]["file_url"], UPLOADER, [WHEEL.content])
    url = file["meta"]["_wheelyard"]["signature_url"]
    for wrong in (b"no signature", SIGNATURE + b"x" * 70_000):
        assert ask(index, "POST", url, UPLOADER, [wrong]).status == 400
    assert ask(index, "POST", url, UPLOADER, [SIGNATURE]).status == 204
    assert ask(index, "POST", file["links"]["complete"]).status == 201
    assert ask(index, "POST", url, UPLOADER, [SIGNATURE]).status == 409
    stage = f"{client.links['stage']}acme-tools/{WHEEL.filename}.asc"
    assert content(ask(index, "GET", stage, READER)) == SIGNATURE
    assert client.publish().status == 201
    page = document(index.get("/simple/acme-tools/", JSON))
    assert page["files"][0]["gpg-sig"] is True
    assert content(index.get(f"/simple/acme-tools/{WHEEL.filename}.asc")) == SIGNATURE
    assert not list(index.store.list(keys.UPLOADED))


def test_too_many_attestations(memory: Index) -> None:
    """How much may come beside a file is limited, and none of it makes the session's record larger."""
    client = opened(memory)
    file = document(client.start(WHEEL))
    ask(memory, "POST", file["mechanism"]["file_url"], UPLOADER, [WHEEL.content])
    url = file["mechanism"]["attestations_url"]
    before = len(memory.store.get(keys.session(NAME, "1")).body)
    large = ask(memory, "POST", url, UPLOADER, [b" " * (1024 * 1024 + 1)])
    assert (large.status, "longer than 1048576 bytes" in document(large)["detail"]) == (413, True)
    assert ask(memory, "POST", url, UPLOADER, [b"[" + b" " * 1_000_000 + b"]"]).status == 204
    assert len(memory.store.get(keys.session(NAME, "1")).body) < before + 200
    many = json.dumps([attestation(WHEEL)] * 17).encode()
    ask(memory, "POST", url, UPLOADER, [many])
    refused = ask(memory, "POST", file["links"]["complete"])
    assert (refused.status, "send 16 at most" in document(refused)["detail"]) == (400, True)
    assert not list(memory.store.list(keys.UPLOADED))


# --- refusals ---


class Refusal(NamedTuple):
    """A request, made from the links of a session and of a pending file, and the answer to it."""

    method: str
    url: Callable[[Any, Any], str]
    says: str
    status: int = 400
    sent: Any = None
    raw: bytes | None = None
    type_: str = TYPE


def _create(what: Any, says: str, status: int = 400) -> Refusal:
    return Refusal("POST", lambda _s, _f: "/upload/", says, status, what)


def _announce(says: str, status: int = 400, **changed: Any) -> Refusal:
    good = {
        "filename": SDIST.filename,
        "size": len(SDIST.content),
        "hashes": {"sha256": SDIST.sha256},
        "mechanism": BYTES,
    }
    sent = {key: value for key, value in {**good, **changed}.items() if value is not ...}
    return Refusal("POST", lambda s, _f: str(s["upload"]), says, status, sent)


def _raw(says: str, raw: bytes, type_: str = TYPE, status: int = 400) -> Refusal:
    return Refusal("POST", lambda _s, _f: "/upload/", says, status, None, raw, type_)


REFUSALS: dict[str, Refusal] = {
    "no name": _create({"version": "1"}, "'name' is None"),
    "a name that is none": _create({"name": "../x", "version": "1"}, "'name' is invalid"),
    "a name that is a number": _create({"name": 1, "version": "1"}, "'name' is 1"),
    "no version": _create({"name": "a"}, "'version' is None"),
    "a version that is none": _create({"name": "a", "version": "one"}, "'version' is invalid"),
    "a version without end": _create({"name": "a", "version": "1" * 9999}, "'version' is invalid"),
    "another api-version": _create(
        {"name": "a", "version": "1", "meta": {"api-version": "3.0"}}, "it must be '2.0'"
    ),
    "no meta": _create({"name": "a", "version": "1", "meta": None}, "it must be '2.0'"),
    "no JSON": _raw("the body is not JSON", b"{"),
    "nested without end": _raw("the body is not JSON", b"[" * 100_000),
    "a list": _raw("not a JSON object", b"[]"),
    "not UTF-8": _raw("the body is not JSON", b"\xff"),
    "another content type": _raw("Content-Type is 'application/json'", b"{}", "application/json"),
    "a body without end": _raw("larger than", b" " * 9_000_000, status=413),
    "no filename": _announce("'filename' is None", filename=...),
    "another release": _announce("not of release 1", filename="acme_tools-2.0.tar.gz"),
    "another project": _announce("not of release 1", filename="acme-1.0.tar.gz"),
    "no distribution": _announce("should end in .whl", filename="acme.txt"),
    "a path": _announce("is not a distribution filename", filename="../acme-1.0.tar.gz"),
    "no size": _announce("'size' is None", size=...),
    "a size that is true": _announce("'size' is True", size=True),
    "a negative size": _announce("'size' is -1", size=-1),
    "a size beyond the limit": _announce("MAX_FILE_SIZE", 413, size=10**13),
    "no hashes": _announce("'hashes' must be an object", hashes=...),
    "hashes without sha256": _announce("with 'sha256'", hashes={"md5": "0" * 32}),
    "an unknown hash": _announce("'hashes' has 'crc'", hashes={"sha256": "0" * 64, "crc": "0"}),
    "a short hash": _announce("'hashes' has 'sha256'", hashes={"sha256": "0" * 63}),
    "a hash that is a number": _announce("'hashes' has 'sha256'", hashes={"sha256": 0}),
    "no mechanism": _announce("'mechanism' is None", mechanism=...),
    "an unknown mechanism": _announce("use one of http-post-bytes", 422, mechanism="ftp"),
    "a second sdist": _announce("", 202, filename="acme_tools-1.0.zip"),
    "a file of no session": Refusal(
        "GET", lambda s, _f: s["session"].replace("/acme-tools/", "/acme-kit/"), "no such session", 404
    ),
    "another session": Refusal(
        "GET", lambda s, _f: str(s["session"])[:-4] + "0000", "no such session", 404
    ),
    "an unknown file": Refusal(
        "GET", lambda s, _f: f"{s['upload']}/x.whl", "there is no file 'x.whl'", 404
    ),
    "an unknown place": Refusal("GET", lambda s, _f: f"{s['session']}/x", "there is nothing", 404),
    "a wrong method": Refusal("PUT", lambda s, _f: str(s["session"]), "use GET or", 405),
    "reading what is to be posted": Refusal("GET", lambda s, _f: str(s["publish"]), "use POST", 405),
    "publishing too early": Refusal(
        "POST", lambda s, _f: str(s["publish"]), "must be completed or deleted first", 409
    ),
    "completing what has not come": Refusal(
        "POST", lambda _s, f: str(f["links"]["complete"]), "has not arrived", 409
    ),
    "too few bytes": Refusal(
        "POST", lambda _s, f: str(f["mechanism"]["file_url"]), "and 1 arrived", raw=b"x"
    ),
    "too many bytes": Refusal(
        "POST", lambda _s, f: str(f["mechanism"]["file_url"]), "and more arrived", raw=b"x" * 9999
    ),
    "parts of a file that has none": Refusal(
        "GET", lambda _s, f: f"{f['links']['file-upload-session']}/parts", "not come in parts", 404
    ),
    "extending by nothing": Refusal(
        "POST", lambda s, _f: str(s["extend"]), "'extend-for' is None", sent={}
    ),
    "extending by less": Refusal(
        "POST", lambda s, _f: str(s["extend"]), "'extend-for' is -1", sent={"extend-for": -1}
    ),
    "extending for ever": Refusal(
        "POST", lambda s, _f: str(s["extend"]), "'extend-for' is 1000", sent={"extend-for": 10**400}
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS.values(), ids=REFUSALS)
def test_refused(memory: Index, case: Refusal) -> None:
    """A wrong request is refused for its own reason, and nothing is published by it."""
    client = opened(memory)
    file = document(client.start(WHEEL))
    url = case.url(client.links, file)
    if case.sent is not None:
        answer = post(memory, url, case.sent)
    else:
        answer = ask(memory, case.method, url, UPLOADER, [case.raw or b""], case.type_)
    assert answer.status == case.status, content(answer)
    assert answer.status == 202 or case.says in document(answer)["detail"]
    assert not list(memory.store.list(keys.PACKAGES))
    assert listed(memory) == []


@pytest.mark.parametrize(
    ("built", "says"),
    [
        (WHEEL._replace(content=b"x" * len(WHEEL.content)), "is not a valid wheel"),
        (SDIST._replace(filename="acme_tools-1.0.zip"), "is not a valid sdist"),
    ],
    ids=["no wheel", "no zip"],
)
def test_unsound_files(memory: Index, built: BuiltDistribution, says: str) -> None:
    """An unsound file is refused when it is completed; nothing of it stays, and it can be sent anew."""
    client = opened(memory)
    answer = client.send(built)
    assert answer.status == 400
    assert says in document(answer)["detail"]
    [(_, file)] = client.status()["files"].items()
    assert file["status"] == "error"
    assert says in file["notices"][0]
    assert client.publish().status == 409
    assert not list(memory.store.list(keys.UPLOADED))


def test_wrong_digest(memory: Index) -> None:
    """A file whose bytes are not the announced ones is refused, with both digests."""
    answer = opened(memory).send(WHEEL, hashes={"sha256": "0" * 64, "md5": "0" * 32})
    assert answer.status == 400
    assert WHEEL.sha256 in document(answer)["detail"]


@pytest.mark.parametrize("digest", ["blake2b", "sha512", "sha3_256"])
def test_another_digest(memory: Index, digest: str) -> None:
    """A file can be announced by another secure digest, and is published by its sha256."""
    client = opened(memory)
    for hexadecimal, status in (
        ("0" * 64, 400),
        (hashlib.new(digest, WHEEL.content).hexdigest(), 201),
    ):
        length = len(hashlib.new(digest).hexdigest())
        answer = client.send(WHEEL, hashes={digest: hexadecimal.ljust(length, "0")})
        assert answer.status == status, document(answer)
    assert client.publish().status == 201
    page = document(memory.get("/simple/acme-tools/", JSON))
    assert page["files"][0]["hashes"] == {"sha256": WHEEL.sha256}


def test_two_sdists(memory: Index) -> None:
    """A second source distribution is refused within a session, too."""
    client = opened(memory)
    assert client.send(SDIST).status == 201
    answer = client.send(build_sdist("acme-tools", "1.0", format="zip"))
    assert answer.status == 409
    assert "cannot stand beside" in document(answer)["detail"]


# --- killed, and left alone ---


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Desk(NamedTuple):
    """Sessions over a store, without HTTP."""

    sessions: Sessions
    files: SessionFiles
    shelf: Shelf


def desk(store: Store, clock: Callable[[], float]) -> Desk:
    """As a process has them."""
    shelf = Shelf(store, Catalogue(store), Rules(10**9))
    records = SessionRecords(store, multipart(store))
    trail = Trail(store, clock)
    sessions = Sessions(shelf, records, clock, lambda owner: trail.by(Actor(owner, "session")))
    return Desk(sessions, SessionFiles(shelf, records), shelf)


def staged(store: Store, clock: Callable[[], float]) -> Session:
    """A session with two completed files, one of which came in parts."""
    made = desk(store, clock)
    session = made.sessions.create(NAME, "1.0", "uploader")
    for built, mechanism in ((WHEEL, BYTES), (SDIST, PARTS)):
        announced = Announced(
            built.filename, len(built.content), {"sha256": built.sha256}, mechanism
        )
        file = made.files.start(session, announced)
        session = made.sessions.find(NAME, "1", session.id)
        if mechanism == BYTES:
            made.files.receive(session, built.filename, [built.content])
        else:
            made.files.receive_part(file, 1, [built.content], len(built.content))
        session = made.sessions.find(NAME, "1", session.id)
        made.files.complete(session, built.filename)
        session = made.sessions.find(NAME, "1", session.id)
    return session


def visible(store: Store) -> set[str]:
    """The listed files."""
    shelf = Shelf(store, Catalogue(store), Rules(1))
    return {file.filename for file in shelf.project(NAME).files}


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("ending", ["retry", "sweep"])
def test_killed_at_any_write(after: bool, ending: str) -> None:
    """Killed at any write of publishing, all files or none are listed, and the next one completes it.

    Meanwhile the events of what it stored list nothing on their own.
    """
    clock = Clock()
    both = {WHEEL.filename, SDIST.filename}
    counting = DyingStore(ObjectStore(MemoryStore()), 0, after=False)
    desk(counting, clock).sessions.publish(staged(counting._store, clock))
    assert counting.writes > 8
    for step in range(1, counting.writes + 1):
        store = ObjectStore(MemoryStore())
        session = staged(store, clock)
        with pytest.raises(Killed):
            desk(DyingStore(store, step, after=after), clock).sessions.publish(session)
        promised = current_session(store, NAME, "1")
        assert promised is not None
        arrivals = Arrivals(desk(store, clock).shelf)
        for entry in list(store.list(keys.PACKAGES)):
            arrivals.settle(entry.key)
        assert visible(store) in (set(), both)
        if ending == "retry":
            desk(store, clock).sessions.publish(session)
        elif promised.status == "processing":
            clock.now += LIFETIME + 1
            assert desk(store, clock).sessions.sweep() == 1
            clock.now -= LIFETIME + 1
        else:
            desk(store, clock).sessions.publish(session)
        assert visible(store) == both
        finished = current_session(store, NAME, "1")
        assert finished is not None
        assert finished.status == "published"


def test_sweeping_is_recorded() -> None:
    """What the sweeper publishes of somebody who died is in the audit trail, by its owner, before it is."""
    clock = Clock()
    store = ObjectStore(MemoryStore())
    session = staged(store, clock)
    with pytest.raises(Killed):  # as soon as the session is processing
        desk(DyingStore(store, 1, after=True), clock).sessions.publish(session)
    clock.now += LIFETIME + 1
    assert desk(store, clock).sessions.sweep() == 1
    since = datetime.fromtimestamp(clock.now, UTC)
    (event,) = Trail(store).between(since, since + timedelta(seconds=1))
    assert (event.actor.user, event.actor.via) == (session.owner, "session")
    assert {file.filename for file in event.change.files} == {WHEEL.filename, SDIST.filename}


def test_expired(memory: Index) -> None:
    """A session that nobody went on with is swept, with all its files; nothing of it was ever visible."""
    clock = Clock()
    store = memory.store
    session = staged(store, clock)
    made = desk(store, clock)
    assert made.sessions.sweep() == 0
    clock.now += LIFETIME
    assert made.sessions.sweep() == 1
    assert made.sessions.sweep() == 0
    assert not list(store.list(keys.UPLOADED))
    assert visible(store) == set()
    assert made.sessions.create(NAME, "1.0", "somebody else").id != session.id


def test_expired_and_opened_again(memory: Index) -> None:
    """An expired session does not stand in the way of another one, whoever opens it."""
    clock = Clock()
    session = staged(memory.store, clock)
    made = desk(memory.store, clock)
    with pytest.raises(Conflict):
        made.sessions.create(NAME, "1.0", "somebody else")
    clock.now += LIFETIME
    assert made.sessions.create(NAME, "1.0", "somebody else").owner == "somebody else"
    assert not [e.key for e in memory.store.list(keys.UPLOADED) if session.id in e.key]


IMPOSSIBLE = {
    "a null": "\0",
    "the folder above": "..",
    "a dot": ".",
    "a long one": "a" * 300,
    "a very long one": "a" * 5000,
    "a lone surrogate": "\udcff",
    "an accent": "é",
    "a line": "1\n",
    "an asterisk": "*",
    "a drive": "C:",
    "an encoded one": "%2e%2e",
}


@pytest.mark.parametrize("version", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_sessions_that_cannot_be(index: Index, version: str) -> None:
    """Whatever stands in the place of a version, or of a token, there is no such session."""
    for path in (
        f"/upload/acme-tools/{version}/{'0' * 32}",
        f"/upload/acme-tools/{version}/{'0' * 32}/files/x.whl/signature",
        f"/upload/-/stage/acme-tools_{version}_{'0' * 32}/",
        f"/upload/-/stage/{version}/",
        f"/upload/-/stage/{version}_1_{'0' * 32}/",
        f"/upload/-/stage/acme-tools_1_{version}/",
    ):
        assert index.ask("GET", path, UPLOADER, {}, (), host="p.example").status == 404, path
