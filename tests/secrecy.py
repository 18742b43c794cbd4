"""Whatever is told to a log, in an error or in the audit trail, searched for secrets.

Everything that the tests cause in this process is collected while they run (``collecting``), the logs of
servers and functions when they stop (``tell``). ``conftest`` searches it after every test, so the test
that let a secret out is the one that fails. What is looked for: the passwords that the tests use or set,
and by their form API tokens, presigned links, ``Authorization`` headers, identity tokens, and credentials
in URLs.
"""

import logging
import re
from base64 import b64decode
from binascii import Error
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any
from unittest.mock import patch

from wheelyard.access import passwords, users
from wheelyard.access.apitoken import PREFIX, parse_token
from wheelyard.audit import event, trail
from wheelyard.entry.logs import JsonFormatter
from wheelyard.errors import WheelyardError

SHORTEST = 7
"""Characters of a password that is searched for: a shorter one may stand anywhere by chance."""

_known = {"s3cret", "up:s@cret", "up%3As%40cret"}
_told: list[str] = []
_lock = Lock()

_TOKENS = re.compile(rf"{PREFIX}[0-9A-Za-z]+")
_LINKS = re.compile(r"X-Amz-(?:Signature|Security-Token)=[^&\s\"'<>]+", re.IGNORECASE)
_HEADERS = re.compile(r"\b(?:Basic|Bearer)\s+([A-Za-z0-9+/._~-]{8,}={0,2})", re.IGNORECASE)
_IDENTITIES = re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*")
# "https://user:password@host" is how messages say what a URL looks like, "[user:password@]" too.
_URLS = re.compile(r"://(?!\[|user:password@)[^/\s:@\"'\[\]]+:[^/\s@\"'\[\]]+@")


def keep_secret(*secrets: str) -> None:
    """Have these searched for as well."""
    with _lock:
        _known.update(secret for secret in secrets if len(secret) >= SHORTEST)


def tell(text: str) -> None:
    """Have a text searched: a log, say, of a process that has ended."""
    with _lock:
        _told.append(text)


def let_out() -> list[str]:
    """The lines told since the last call that hold a secret, each with what it holds."""
    with _lock:
        texts, known = _told.copy(), sorted(_known)
        _told.clear()
    lines = dict.fromkeys(line for text in texts for line in text.splitlines())
    return [f"{found}: {line[:1000]}" for line in lines for found in secrets_in(line, known)]


def secrets_in(line: str, known: list[str]) -> Iterator[str]:
    """The kinds of secrets that a line holds."""
    if any(secret in line for secret in known):
        yield "a password"
    if any(parse_token(match[0][:55]) for match in _TOKENS.finditer(line)):
        yield "an API token"
    if _LINKS.search(line):
        yield "a presigned link"
    if any(_is_credential(match[1]) for match in _HEADERS.finditer(line)):
        yield "an Authorization header"
    if _IDENTITIES.search(line):
        yield "an identity token"
    if _URLS.search(line):
        yield "credentials in a URL"


def _is_credential(value: str) -> bool:
    """Whether this is more than a word behind "basic"."""
    if any(mark in value for mark in "._~") or value.startswith("eyJ"):
        return True
    try:
        return b":" in b64decode(value, validate=True)
    except Error:
        return False


class _Collector(logging.Handler):
    """Takes every line that is logged in this process, in the form that it has in production."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        tell(self.format(record))


def log_everything() -> None:
    """Have every line logged from now on, until a function or server that is tested sets its own level."""
    logging.getLogger("wheelyard").setLevel(logging.DEBUG)


@contextmanager
def collecting() -> Iterator[None]:
    """Have what is logged, raised on purpose or recorded in this process told meanwhile."""
    collector = _Collector()
    logger = logging.getLogger("wheelyard")
    logger.addHandler(collector)
    try:
        with _errors(), _passwords(), _entries():
            yield
    finally:
        logger.removeHandler(collector)


@contextmanager
def _errors() -> Iterator[None]:
    """The message of every error is told when the error is made."""

    def init(self: WheelyardError, *arguments: object) -> None:
        Exception.__init__(self, *arguments)
        tell(" ".join(map(str, arguments)))

    with patch.object(WheelyardError, "__init__", init):
        yield


@contextmanager
def _passwords() -> Iterator[None]:
    """Every password that is set from now on is kept secret."""
    hash_password = passwords.hash_password

    def hash_and_keep(password: str, *arguments: Any, **named: Any) -> str:
        keep_secret(password)
        return hash_password(password, *arguments, **named)

    with patch.object(users, "hash_password", hash_and_keep):
        yield


@contextmanager
def _entries() -> Iterator[None]:
    """Entries of the audit trail are told as they are written."""
    dump_event = event.dump_event

    def dump_and_tell(*arguments: Any) -> bytes:
        body = dump_event(*arguments)
        tell(body.decode())
        return body

    with patch.object(trail, "dump_event", dump_and_tell):
        yield
