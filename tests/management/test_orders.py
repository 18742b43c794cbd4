"""management.orders: one definition, carried out for programs, by the admin function and by commands."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner, Result

import lambdas
from distributions import build_sdist, build_wheel
from indexes import Index
from servers import S3Server
from wheelyard.audit.event import Actor
from wheelyard.entry.admin import admin_handler
from wheelyard.entry.cli import cli
from wheelyard.entry.cli import management as commands
from wheelyard.entry.tracing import Handler
from wheelyard.errors import InvalidPayload, NotFound
from wheelyard.management.management import Management
from wheelyard.management.orders import ORDERS
from wheelyard.storage.directory import DirectoryStore
from wheelyard.storage.opening import open_bucket
from wheelyard.storage.store import Store

WHEEL = build_wheel("acme-tools", "1.0")
SDIST = build_sdist("acme-tools", "1.0")
NEWER = build_wheel("acme-tools", "1.1")
PROJECT = {"project": "acme-tools"}


class Command:
    """The command line on a store of the test's own, without a terminal or, with answers, at one."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = DirectoryStore(folder)
        self._folder = folder
        self._monkeypatch = monkeypatch

    def __call__(self, *arguments: str, typed: str | None = None) -> Result:
        environ = {"WHEELYARD_STORE": str(self._folder), "UPSTREAM_INDEX_URL": "none"}
        with self._monkeypatch.context() as patch:
            if typed is not None:
                terminal = SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True))
                patch.setattr(commands, "sys", terminal)
            return CliRunner().invoke(cli, arguments, input=typed, env=environ)

    def json(self, *arguments: str) -> Any:
        """What a command that succeeds says in JSON."""
        done = self(*arguments, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)


def publish(store: Store) -> None:
    """Two releases of a project."""
    index = Index(store)
    for built in (WHEEL, SDIST, NEWER):
        assert index.upload(built).status == 200


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command line, on a store with two releases."""
    made = Command(tmp_path / "store", monkeypatch)
    publish(made.store)
    return made


@pytest.fixture
def environ(s3_moto: S3Server) -> dict[str, str]:
    """The admin function's environment, with a bucket of its own."""
    return lambdas.environment(s3_moto, s3_moto.new_bucket(), REPO_BASE_PREFIX="acme/index")


@pytest.fixture
def handler(environ: dict[str, str]) -> Handler:
    """The admin function, on a store with two releases."""
    publish(open_bucket(environ, 900))
    return admin_handler(environ)


class Case(NamedTuple):
    """An order as a payload and as a command, and some of its answer."""

    payload: Mapping[str, Any]
    command: tuple[str, ...]
    answer: Mapping[str, Any]


RELEASE, FILE = {**PROJECT, "version": "1"}, {**PROJECT, "filename": SDIST.filename}
BOTH = [WHEEL.filename, SDIST.filename]
CASES = [
    Case(
        {"yankRelease": {**RELEASE, "reason": "explodes"}},
        ("release", "yank", "acme-tools", "1", "--reason", "explodes"),
        {"files": BOTH, "yanked": "explodes", "changed": True},
    ),
    Case({"unyankRelease": RELEASE}, ("release", "unyank", "acme-tools", "1"), {"changed": True}),
    Case({"yankFile": FILE}, ("file", "yank", "acme-tools", SDIST.filename), {"yanked": True}),
    Case({"unyankFile": FILE}, ("file", "unyank", "acme-tools", SDIST.filename), {"yanked": False}),
    Case({"deleteFile": FILE}, ("file", "delete", "acme-tools", SDIST.filename), {"left": 2}),
    Case(
        {"deleteRelease": RELEASE},
        ("release", "delete", "acme-tools", "1"),
        {"deleted": [WHEEL.filename], "left": 1},
    ),
    Case(
        {"setStatus": {**PROJECT, "status": "deprecated", "reason": "old"}},
        ("project", "status", "acme-tools", "deprecated", "--reason", "old"),
        {"project": "acme-tools", "status": "deprecated", "reason": "old", "changed": True},
    ),
    Case(
        {"showProject": PROJECT},
        ("project", "show", "acme-tools"),
        {"versions": ["1.1"], "status": "deprecated", "reason": "old", "files": 1},
    ),
    Case(
        {"deleteFile": {**PROJECT, "filename": NEWER.filename}},
        ("file", "delete", "acme-tools", NEWER.filename),
        {"left": 0},
    ),
    Case({"releaseName": PROJECT}, ("project", "release-name", "acme-tools"), {"released": True}),
]
"""One after the other, on a store with two releases."""


def is_change(case: Case) -> bool:
    """Whether a person is asked before."""
    (name,) = case.payload
    return next(bool(order.confirm) for order in ORDERS if order.name == name)


def test_orders(command: Command, handler: Handler, environ: dict[str, str]) -> None:
    """Commands and payloads give the same answers, and leave the same behind."""
    for case in CASES:
        answer = handler(dict(case.payload), None)
        assert answer | case.answer == answer
        yes = ("--yes",) if is_change(case) else ()
        told = command.json(*case.command, *yes)
        assert {**told, "updated": None} == {**answer, "updated": None}
    remote = open_bucket(environ, 900)
    for folder in ("projects/", "packages/", "tombstones/"):
        assert keys(remote, folder) == keys(command.store, folder)
    done = [order.name for order in ORDERS if order.confirm]
    assert {name for case in CASES for name in case.payload} == {*done, "showProject"}


def keys(store: Store, folder: str) -> list[str]:
    """What is stored in a folder."""
    return [entry.key for entry in store.list(folder)]


def test_lists(command: Command, handler: Handler) -> None:
    """What there is, is listed alike by command and by payload."""
    for name, arguments, argument in [
        ("listProjects", ("project", "list"), {}),
        ("listReleases", ("release", "list", "acme-tools"), PROJECT),
        ("listFiles", ("file", "list", "acme-tools", "--version", "1.0.0"), RELEASE),
    ]:
        items = handler({name: argument}, None)["items"]
        told = command.json(*arguments)
        times = ("updated", "uploaded")
        for item in (*items, *told):
            for key in times:
                item.pop(key, None)
        assert items == told
        assert items


def test_list_without_argument(handler: Handler) -> None:
    """An order without an argument may be its name alone."""
    assert handler("listProjects", None) == handler({"listProjects": {}}, None)


@pytest.mark.parametrize("name", ["listProjects", "listReleases", "listFiles", "listAudit"])
def test_parts_of_lists(handler: Handler, environ: dict[str, str], name: str) -> None:
    """A long list comes in parts; each says what to ask for the next, and nothing is left out."""
    index = Index(open_bucket(environ, 900))
    index.upload(build_wheel("acme-kit", "1.0"))
    index.upload(build_wheel("acme-zoo", "1.0"))
    argument = {} if name in ("listProjects", "listAudit") else PROJECT
    whole = handler({name: argument}, None)
    assert "next" not in whole
    part: Any = {**argument, "limit": 2}
    found = []
    while part:
        answer = handler({name: part}, None)
        assert len(answer["items"]) <= 2
        found += answer["items"]
        part = answer.get("next")
        if name == "listAudit":  # what is recorded meanwhile shifts nothing
            handler({"yankFile" if len(found) % 4 else "unyankFile": FILE}, None)
    assert found == whole["items"]


@pytest.mark.parametrize(
    ("payload", "place"),
    [
        ({"deleteRelease": PROJECT}, r"\$\.deleteRelease: 'version' is a required"),
        ({"deleteRelease": "acme-tools"}, r"\$\.deleteRelease: type"),
        ({"deleteRelease": {**RELEASE, "force": True}}, r"\$\.deleteRelease: .*force"),
        ({"setStatus": {**PROJECT, "status": "asleep"}}, r"\$\.setStatus\.status: enum"),
        ({"listFiles": {**PROJECT, "limit": 0}}, r"\$\.listFiles\.limit"),
        ({"showProject": {"project": "a b"}}, r"\$\.showProject: 'a b'"),
    ],
)
def test_wrong_payload(handler: Handler, payload: object, place: str) -> None:
    """A wrong payload is refused with the place of the mistake."""
    with pytest.raises(InvalidPayload, match=place):
        handler(payload, None)


def test_not_there(handler: Handler, command: Command) -> None:
    """What is not there is said, by the function and by the command."""
    with pytest.raises(NotFound, match=r"no release '2\.0'"):
        handler({"deleteRelease": {**PROJECT, "version": "2.0"}}, None)
    refused = command("release", "delete", "acme-tools", "2.0", "--yes")
    assert isinstance(refused.exception, NotFound)


def test_confirmation(command: Command) -> None:
    """At a terminal a person is shown what a change is about, and asked; a no changes nothing."""
    before = keys(command.store, "packages/")
    refused = command("release", "delete", "acme-tools", "1", typed="n\n")
    assert refused.exit_code != 0
    assert "Delete release 1 of acme-tools for good?" in refused.stderr
    assert all(filename in refused.stderr for filename in BOTH)
    assert keys(command.store, "packages/") == before
    assert command("release", "delete", "acme-tools", "1", typed="y\n").exit_code == 0
    assert len(keys(command.store, "packages/")) == 2


def test_without_terminal(command: Command) -> None:
    """Without a terminal nothing is changed unless --yes says so."""
    for case in CASES:
        if is_change(case):
            refused = command(*case.command)
            assert refused.exit_code == 2
            assert "give --yes" in refused.stderr
    assert command.json("release", "list", "acme-tools")[0]["yanked"] is None


def test_tables(command: Command) -> None:
    """People are shown tables whose columns are aligned, and records a line a field."""
    command("release", "yank", "acme-tools", "1.0", "--reason", "explo\x1bdes", "--yes")
    command("release", "yank", "acme-tools", "1.0", "--reason", "explodes", "--yes")
    head, first, second = command("release", "list", "acme-tools").stdout.splitlines()
    assert head.split() == ["VERSION", "FILES", "SIZE", "UPLOADED", "YANKED"]
    assert first.split()[:2] == ["1.0", "2"]
    assert first.endswith("explodes")
    assert second.startswith("1.1")
    assert head.index("FILES") == first.index("2") == second.index("1", 3)
    shown = command("project", "show", "acme-tools").stdout.splitlines()
    assert ["versions", "1.0,", "1.1"] in [line.split() for line in shown]


def test_strange_text_in_tables(command: Command) -> None:
    """What others wrote into a document cannot move the cursor of who looks at it."""
    stored = command.store.get("projects/acme-tools.json")
    document = json.loads(stored.body)
    document["project-status"] = {"status": "archived", "reason": "\x1b[2Jgone\nacme-kit"}
    command.store.replace("projects/acme-tools.json", json.dumps(document).encode(), stored.etag)
    shown = command("project", "show", "acme-tools").stdout
    assert "\x1b" not in shown
    assert "gone�acme-kit" in shown


def test_audit_command(command: Command) -> None:
    """The trail is shown with who, what and which file; filters choose from it."""
    command("file", "yank", "acme-tools", SDIST.filename, "--yes")
    head, first, *others = command("audit", "--since", "1h").stdout.splitlines()
    assert head.split() == ["TIME", "ACTION", "RESULT", "USER", "PROJECT", "ABOUT"]
    assert first.split()[1:3] == ["yank", "accepted"]
    assert first.endswith(SDIST.filename)
    assert [line.split()[1] for line in others][:3] == ["upload"] * 3
    uploads = command.json("audit", "--user", "uploader")
    assert [event["files"][0]["sha256"] for event in uploads] == [
        built.sha256 for built in (NEWER, SDIST, WHEEL)
    ]
    assert len(command.json("audit", "--project", "Acme.Tools")) == 4
    assert command.json("audit", "--project", "acme-kit") == []
    assert command.json("audit", "--until", "1h") == []
    assert command.json("audit", "--since", "2026-01-01T00:00+02:00", "--until", "2026-01-02") == []
    wrong = command("audit", "--since", "yesterday")
    assert "'yesterday' is no time" in str(wrong.exception)


def test_user_and_token_changes(command: Command) -> None:
    """Users and tokens are in the trail by name and id, without their secrets."""
    done = command("user", "put", "ann", "--random-password", "24", "--upload-project", "acme-*")
    password = done.stdout.strip()
    secret = command("token", "create", "ann", "--lifetime", "1h").stdout.strip()
    command("user", "remove", "ann")
    told = command.json("audit")[:4]
    assert [event["action"] for event in told] == [
        "revoke-token",
        "remove-user",
        "create-token",
        "put-user",
    ]
    revoked, removed, created, put = (event["details"] for event in told)
    assert put == {"subject": "ann", "upload": ["acme-*"]}
    assert removed == {"subject": "ann"}
    assert (created["owner"], created["subject"]) == ("ann", revoked["subject"])
    assert all(event["via"] == "command line" and event["client"] for event in told)
    trail = b"".join(command.store.get(key).body for key in keys(command.store, "audit/"))
    assert password.encode() not in trail
    assert secret.encode() not in trail


def test_who_invoked(handler: Handler) -> None:
    """The trail says who invoked the function, as far as they say it, and under which request id."""
    said = {"user": "arn:aws:iam::123456789012:user/alice", "client": "workstation"}
    context = SimpleNamespace(
        client_context=SimpleNamespace(custom=said), aws_request_id="f0a6b1ae-1d3e"
    )
    handler({"yankFile": FILE}, context)
    handler({"unyankFile": FILE}, SimpleNamespace(client_context=None, aws_request_id="2"))
    unknown, told = handler({"listAudit": PROJECT}, None)["items"][:2]
    assert (told["user"], told["client"]) == (said["user"], said["client"])
    assert (told["via"], told["request_id"]) == ("admin function", "f0a6b1ae-1d3e")
    assert "user" not in unknown
    assert unknown["request_id"] == "2"


def test_api(command: Command) -> None:
    """A program uses the same by itself, on any store."""
    management = Management(command.store, Actor("alice", "api"))
    for order in ORDERS:
        if order.columns:
            order.carry_out(management, PROJECT if order.name != "listProjects" else {})
    assert management.yank_release("acme-tools", "1.0").changed
