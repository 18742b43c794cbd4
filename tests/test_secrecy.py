"""The search for secrets finds them; every other test is searched for them by it."""

import logging
from base64 import b64encode
from collections.abc import Iterator

import pytest

import secrecy
from stores import memory
from wheelyard.access.users import Users
from wheelyard.audit.event import Actor, Change
from wheelyard.audit.trail import Trail
from wheelyard.errors import MethodNotAllowed, NotFound

# The same in every process: it is a part of tests' names.
TOKEN = "whyd_ExxwkJmbnsSwREUhGhcjDDRUoK2mSrob2YkXfbFtaLU41XFALT"
SIGNED = "https://b.s3.amazonaws.com/k?X-Amz-Expires=900&X-Amz-Signature=0123456789abcdef"
IDENTITY = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyZXBvOmFjbWUifQ.c2lnbmF0dXJl"


@pytest.fixture(autouse=True)
def _planted() -> Iterator[None]:
    """Here secrets are let out on purpose: they are not found again after the test."""
    yield
    secrecy.let_out()


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ("the password is reader-password", "a password"),
        (f"with {TOKEN} in it", "an API token"),
        (f"x{TOKEN}y", "an API token"),
        (f"GET {SIGNED} 403", "a presigned link"),
        ("x-amz-security-token=FwoGZXIvYXdzE", "a presigned link"),
        (f"Authorization: Basic {b64encode(b'u:a-password').decode()}", "an Authorization header"),
        ("authorization: bearer abc.def-ghi", "an Authorization header"),
        (f'{{"token": "{IDENTITY}"}}', "an identity token"),
        ("cannot reach https://user:pass@index.example/simple/", "credentials in a URL"),
    ],
)
def test_found(told: str, kind: str) -> None:
    """A secret is found wherever it stands in what was told."""
    secrecy.tell(f"first line\n{told}\nlast line")
    found = secrecy.let_out()
    assert [line for line in found if line.startswith(kind)] == [f"{kind}: {told}"]
    assert secrecy.let_out() == []


@pytest.mark.parametrize(
    "told",
    [
        'WWW-Authenticate: Basic realm="wheelyard", charset="UTF-8"',
        "the basic credentials were missing, and the bearer of them",
        "tokens begin with whyd_ and end with a checksum",
        f"token {TOKEN[5:17]} of user 'ci'",
        "give a simple index, https://[user:password@]host/path without query",
        "give a user and a password, as in https://user:password@host/simple/",
        "see https://docs.example/a:b and https://index.example:8443/simple/@latest",
        "X-Amz-Expires=900",
        "sha256:0123456789abcdef0123456789abcdef",
    ],
)
def test_not_found(told: str) -> None:
    """What only looks a little like a secret is none."""
    secrecy.tell(told)
    assert secrecy.let_out() == []


def test_logs() -> None:
    """Log lines are collected with their fields and tracebacks, whatever the level."""
    logger = logging.getLogger("wheelyard.somewhere")
    logger.debug("asked", extra={"fields": {"url": SIGNED}})
    try:
        raise ValueError(f"refused: {SIGNED}")
    except ValueError:
        logger.exception("it failed")
    assert len(secrecy.let_out()) == 2


def test_errors() -> None:
    """The messages of errors are collected when they are made, wherever they end."""
    NotFound(f"nothing at {SIGNED}")
    MethodNotAllowed(f"not at {SIGNED}", ("GET",))
    assert len(secrecy.let_out()) == 2


def test_passwords_that_are_set() -> None:
    """A password that any test sets is searched for from then on, a very short one is not."""
    users = Users(memory())
    users.put("alice", "a-quite-special-password")
    users.put("bob", "b")
    secrecy.tell("alice has a-quite-special-password, and bob has b")
    secrecy.tell("bob has b")
    assert len(secrecy.let_out()) == 1


def test_audit_trail() -> None:
    """Entries of the audit trail are collected."""
    trail = Trail(memory())
    with trail.recording(Actor("alice", "api"), Change("upload", details={"link": SIGNED})):
        pass
    assert len(secrecy.let_out()) == 1
