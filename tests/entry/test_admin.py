"""entry.admin: users by direct invocation."""

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

import lambdas
from sample_events import FOLDER
from servers import S3Server
from wheelyard.access.passwords import hash_password, verify
from wheelyard.access.users import Users
from wheelyard.audit.event import Actor
from wheelyard.entry.admin import admin_handler, carry_out
from wheelyard.entry.functions import http_handler
from wheelyard.entry.orders import Office
from wheelyard.entry.tracing import Handler
from wheelyard.entry.workflow import Workflow
from wheelyard.errors import InvalidPayload, InvalidSetting
from wheelyard.settings import Settings
from wheelyard.storage import keys
from wheelyard.storage.opening import open_bucket
from wheelyard.storage.store import Store

IMPORTED = {"digest": "a" * 64, "hash": hash_password("secret", rounds=10), "replace": False}


@pytest.fixture
def environ(s3_moto: S3Server) -> dict[str, str]:
    """The admin function's environment, with a bucket of its own."""
    return lambdas.environment(s3_moto, s3_moto.new_bucket(), REPO_BASE_PREFIX="acme/index")


@pytest.fixture
def store(environ: dict[str, str]) -> Store:
    """What the function works on."""
    return open_bucket(environ, 900)


@pytest.fixture
def handler(environ: dict[str, str]) -> Handler:
    """The function."""
    return admin_handler(environ)


@pytest.mark.parametrize(
    ("payload", "upload"),
    [
        ({"username": "alice", "password": "secret"}, False),
        ({"username": "alice", "password": "secret", "upload": False}, False),
        ({"username": "alice", "password": "secret", "upload": True}, True),
    ],
)
def test_put_user(
    handler: Handler, store: Store, payload: Mapping[str, object], upload: bool
) -> None:
    """A user is stored with a hash of the password, and may upload only if the payload says so."""
    assert handler({"putUser": payload}, None) == {"user": "alice", "upload": upload}
    record = json.loads(store.get(keys.user("alice")).body)
    assert verify("secret", record["hash"])
    assert record["upload"] is upload


def test_put_user_again(handler: Handler, store: Store) -> None:
    """Putting a user who exists changes password and role."""
    handler({"putUser": {"username": "alice", "password": "old", "upload": True}}, None)
    handler({"putUser": {"username": "alice", "password": "new"}}, None)
    record = json.loads(store.get(keys.user("alice")).body)
    assert verify("new", record["hash"])
    assert record["upload"] is False


def test_remove_user(handler: Handler, store: Store) -> None:
    """Removing says whether there was such a user, and leaves the others."""
    for name in ("alice", "bob"):
        handler({"putUser": {"username": name, "password": "secret"}}, None)
    gone = {"user": "alice", "removed": True, "tokens": 0}
    assert handler({"removeUser": "alice"}, None) == gone
    assert handler({"removeUser": "alice"}, None) == gone | {"removed": False}
    assert [user.name for user in Users(store).list()] == ["bob"]


@pytest.mark.parametrize(
    ("payload", "place"),
    [
        ({}, r"\$: minProperties"),
        (None, r"\$: type must be 'object'"),
        ([], r"\$: type"),
        ("remove", r"\$: .*'remove' was unexpected"),
        ("putUser", r"\$\.putUser: 'username' is a required property"),
        ("removeUser", r"\$\.removeUser: type must be 'string'"),
        ({"dropUser": "alice"}, r"\$: .*dropUser"),
        ({"removeUser": "a", "putUser": {"username": "b", "password": "c"}}, r"\$: maxProperties"),
        ({"removeUser": 7}, r"\$\.removeUser: type must be 'string'"),
        ({"removeUser": ""}, r"\$\.removeUser: minLength must be 1"),
        ({"putUser": "alice"}, r"\$\.putUser: type must be 'object'"),
        ({"putUser": {"username": "alice"}}, r"\$\.putUser: 'password' is a required property"),
        ({"putUser": {"username": "a", "password": ""}}, r"\$\.putUser\.password: minLength"),
        (
            {"putUser": {"username": "a", "password": "b", "upload": 1}},
            r"\$\.putUser\.upload: type",
        ),
        ({"putUser": {"username": "a", "password": "b", "admin": True}}, r"\$\.putUser: .*admin"),
        ({"putUser": {"username": "a:b", "password": "c"}}, r"\$\.putUser: 'a:b'"),
        (
            {"putUser": {"username": "a", "password": "b", "upload": ["acme-*", 7]}},
            r"\$\.putUser\.upload\[1\]: type must be 'string'",
        ),
        ({"putUser": {"username": "a", "password": "b", "read": True}}, r"\$\.putUser\.read: type"),
        ({"putUser": {"username": "a", "password": "b", "read": ["*x"]}}, r"\$\.putUser: '\*x'"),
        (
            {"importUser": IMPORTED | {"hash": "hunter2"}},
            r"\$\.importUser: a password hash is of no",
        ),
        (
            {"importUser": IMPORTED | {"hash": "$pbkdf2-sha512$0$AA$AA"}},
            r"\$\.importUser: a password hash is not of the form \$pbkdf2-sha512\$rounds",
        ),
        ({"importUser": IMPORTED | {"username": "a:b"}}, r"\$\.importUser: 'a:b'"),
        ({"listUsers": {"all": True}}, r"\$\.listUsers: maxProperties"),
        ({"createToken": {}}, r"\$\.createToken: 'owner' is a required property"),
        ({"createToken": {"owner": "ci", "lifetime": 0}}, r"\$\.createToken\.lifetime: minimum"),
        ({"createToken": {"owner": "ci", "lifetime": 10**12}}, r"\$\.createToken: .*3660 days"),
        ({"createToken": {"owner": "ci", "scope": "read"}}, r"\$\.createToken: .*scope"),
        ({"revokeToken": "not-an-id"}, r"\$\.revokeToken: that is no token id"),
        (
            {"addPublisher": {"kind": "ci", "claims": {"sub": "x"}, "projects": ["x"]}},
            r"\$\.addPublisher\.kind: enum",
        ),
        (
            {"addPublisher": {"kind": "github", "claims": {"sub": 7}, "projects": ["x"]}},
            r"\$\.addPublisher\.claims\.sub: type",
        ),
        (
            {"addPublisher": {"kind": "github", "claims": {"sub": "x"}, "projects": ["x"]}},
            r"\$\.addPublisher: a publisher of kind github needs",
        ),
        ({"listTokens": {"owner": ["ci"]}}, r"\$\.listTokens\.owner: type must be 'string'"),
    ],
)
def test_wrong_payload(handler: Handler, store: Store, payload: object, place: str) -> None:
    """Any other payload is refused with the place of the mistake, and changes nothing."""
    with pytest.raises(InvalidPayload, match=place):
        handler(payload, None)
    assert [*store.list("users/"), *store.list("tokens/")] == []


def test_import_user(handler: Handler, store: Store) -> None:
    """A user comes with a hash that can be verified, and is not shown it."""
    done = handler({"importUser": IMPORTED | {"username": "ann"}}, None)
    assert done == {"user": "ann", "imported": True}
    assert [user.name for user in Users(store).list()] == ["ann"]


@pytest.mark.parametrize(
    "payload",
    [
        {"putUser": {"username": "alice", "password": ["hunter2"]}},
        {"putUser": {"username": "alice", "password": "hunter2", "upload": "hunter2"}},
        {"putUser": {"username": "alice", "password": "hunter2\n"}},
        {"putUser": {"username": "alice", "password": "hunter2"}, "removeUser": "bob"},
    ],
)
def test_passwords_are_not_told(handler: Handler, payload: Any) -> None:
    """No error shows a password: the invoker's log keeps it."""
    with pytest.raises(InvalidPayload) as refused:
        handler(payload, None)
    assert "hunter2" not in str(refused.value)


def test_log(handler: Handler, caplog: pytest.LogCaptureFixture) -> None:
    """What was done is logged, without the password."""
    with caplog.at_level("INFO", "wheelyard"):
        handler({"putUser": {"username": "alice", "password": "hunter2"}}, None)
    (record,) = [record for record in caplog.records if record.name == "wheelyard.entry.admin"]
    assert vars(record)["fields"] == {"order": "putUser", "user": "alice", "upload": False}
    assert "hunter2" not in str(vars(record))


def test_limited_user(handler: Handler, store: Store) -> None:
    """A user may be limited to projects, by names and prefixes, and is listed so."""
    order = {"username": "ann", "password": "secret", "upload": ["Acme_*"], "read": ["acme-*", "x"]}
    limits = {"upload": ["acme-*"], "read": ["acme-*", "x"]}
    assert handler({"putUser": order}, None) == {"user": "ann", **limits}
    store.put(keys.user("bob"), b'{"hash": "$pbkdf2-sha512$1$AA$AA", "upload": true}')
    listed = [{"user": None, "upload": True}, {"user": "ann", **limits}]
    assert handler({"listUsers": {}}, None) == {"users": listed}
    assert handler("listUsers", None) == {"users": listed}


def test_tokens(handler: Handler, environ: dict[str, str]) -> None:
    """A token is made, shown once, works, is listed without its secret, and is revoked."""
    order = {"owner": "ci", "upload": ["acme-*"], "lifetime": 3600, "description": "builds"}
    made = handler({"createToken": order}, None)
    secret = made.pop("token")
    assert made["upload"] == ["acme-*"]
    assert made["created"] < made["expires"]
    read = http_handler(environ, uploads=False)
    assert read(lambdas.get("/simple/", "__token__", secret), None)["statusCode"] == 200
    handler({"createToken": {"owner": "ann"}}, None)
    (listed,) = handler({"listTokens": {"owner": "ci"}}, None)["tokens"]
    assert secret not in json.dumps(listed)
    assert listed.pop("lastUsed") in (None, made["created"][:10])
    assert listed == made
    assert len(handler("listTokens", None)["tokens"]) == 2
    revoked = {"id": made["id"], "revoked": True}
    assert handler({"revokeToken": made["id"]}, None) == revoked
    assert handler({"revokeToken": made["id"]}, None) == revoked | {"revoked": False}
    assert handler({"listTokens": {"owner": "ci"}}, None) == {"tokens": []}


def test_whoever_leaves_loses_their_tokens(handler: Handler) -> None:
    """Removing a user revokes what they own, also where the user was removed before."""
    for owner in ("ann", "ann", "bob"):
        handler({"createToken": {"owner": owner}}, None)
    assert handler({"removeUser": "ann"}, None) == {"user": "ann", "removed": False, "tokens": 2}
    assert [made["owner"] for made in handler("listTokens", None)["tokens"]] == ["bob"]


def test_tokens_are_not_logged(handler: Handler, caplog: pytest.LogCaptureFixture) -> None:
    """The log says whose token was made and which, but not the token."""
    with caplog.at_level("INFO", "wheelyard"):
        made = handler({"createToken": {"owner": "ci"}}, None)
        handler({"revokeToken": made["token"]}, None)
    first, second = [vars(r) for r in caplog.records if r.name == "wheelyard.entry.admin"]
    assert first["fields"]["id"] == made["id"]
    assert second["fields"] == {"order": "revokeToken", "id": None, "revoked": True}
    assert made["token"] not in str(first) + str(second)


@pytest.mark.parametrize(
    "path", [path for path in sorted(FOLDER.glob("admin-*.json")) if "reindex" not in path.stem]
)
def test_sample_events(handler: Handler, path: Path) -> None:
    """Each sample payload is carried out."""
    assert handler(json.loads(path.read_text("utf-8")), None)


def test_trusted_publishers(handler: Handler) -> None:
    """A trusted publisher is added, listed and removed."""
    claims = {"repository": "acme/tools", "workflow": "release.yml"}
    order = {"kind": "github", "claims": claims, "projects": ["Acme_*"]}
    added = handler({"addPublisher": order}, None)
    assert added == order | {
        "id": added["id"],
        "issuer": "https://token.actions.githubusercontent.com",
        "projects": ["acme-*"],
    }
    assert handler("listPublishers", None) == {"publishers": [added]}
    removed = {"id": added["id"], "removed": True}
    assert handler({"removePublisher": added["id"]}, None) == removed
    assert handler({"removePublisher": added["id"]}, None) == removed | {"removed": False}


def test_wrong_setting(environ: dict[str, str]) -> None:
    """A function with a wrong setting does not start, and says which it is."""
    with pytest.raises(InvalidSetting, match="LOGGING_LEVEL"):
        admin_handler(environ | {"LOGGING_LEVEL": "LOUD"})


class StepFunctions:
    """Notes what is started."""

    def __init__(self) -> None:
        self.inputs: list[object] = []

    def start_execution(self, **options: str) -> dict[str, str]:
        """See boto3."""
        self.inputs.append(json.loads(options["input"]))
        return {"executionArn": f"{options['stateMachineArn']}:{options['name']}"}


@pytest.mark.parametrize(
    ("payload", "force"),
    [
        ("reindex", False),
        ({"reindex": {}}, False),
        ({"reindex": {"force": False}}, False),
        ({"reindex": {"force": True}}, True),
    ],
)
def test_reindex_starts_the_workflow(store: Store, payload: object, force: bool) -> None:
    """The bare string is serverless-pypi's; the answer says which execution was started."""
    fake = StepFunctions()
    workflow = Workflow(
        "arn:machine", lambda: datetime(2026, 1, 1, tzinfo=UTC), lambda: cast(Any, fake)
    )
    office = Office(Settings.from_env({}), store, time.time, Actor("", "admin"), workflow)
    done = carry_out(office, payload)
    assert str(done["execution"]).startswith("arn:machine:")
    assert fake.inputs == [{"force": force}]


def test_reindex_where_nothing_is_mirrored(handler: Handler) -> None:
    """It says so."""
    with pytest.raises(InvalidPayload, match="mirrors no upstream"):
        handler("reindex", None)


@pytest.mark.parametrize("argument", [None, True, {"force": "yes"}, {"relist": True}])
def test_reindex_takes_force_only(handler: Handler, argument: object) -> None:
    """Anything else is refused, naming the place."""
    with pytest.raises(InvalidPayload, match=r"\$\.reindex"):
        handler({"reindex": argument}, None)
