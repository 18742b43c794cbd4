"""Who is signed in where: what the keyring backend finds an index's stack and token by."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from wheelyard.client.textfile import edit_file
from wheelyard.errors import InvalidDocument


class Login(NamedTuple):
    """A sign-in at a stack.

    ``lifetime``  seconds of each token
    ``expires``   when the token ends, in seconds since 1970
    """

    stack: str
    region: str | None
    profile: str | None
    index_url: str
    upload_url: str
    upload: bool
    lifetime: int
    token: str
    expires: float

    def __repr__(self) -> str:
        """The token stays out of logs."""
        return f"<Login {self.stack!r} until {datetime.fromtimestamp(self.expires, UTC)}>"

    def same_stack(self, other: "Login") -> bool:
        """Whether both are at one stack."""
        return self[:3] == other[:3]

    def covers(self, service: str) -> int:
        """How well the login fits what a client asks its keyring for: 0 is not at all.

        That is a URL, or a host with its port. A token never goes to another host, nor by another scheme.
        """
        return max(_fits(service, self.index_url), _fits(service, self.upload_url))


def _fits(service: str, url: str) -> int:
    asked = urlsplit(service if "://" in service else f"//{service}")
    known = urlsplit(url)
    if not url or _place(asked) != _place(known) or asked.scheme not in ("", known.scheme):
        return 0
    common = 1
    for one, other in zip(asked.path.split("/"), known.path.split("/"), strict=False):
        if one != other:
            break
        common += 1
    return common


def _place(url: SplitResult) -> tuple[str | None, int | None]:
    try:
        port = url.port
    except ValueError:  # no number, so no address
        return None, None
    default = {"https": 443, "http": 80}.get(url.scheme)
    return url.hostname, None if port == default else port


class Logins:
    """The logins of one person, in a file that nobody else can read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def all(self) -> list[Login]:
        """Every login. Raises ``InvalidDocument``."""
        try:
            return _parse(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return []

    def find(self, service: str) -> Login | None:
        """The login that fits best. Raises ``InvalidDocument``."""
        best = max(self.all(), key=lambda login: login.covers(service), default=None)
        return best if best is not None and best.covers(service) else None

    def put(self, login: Login) -> None:
        """Remember a login in place of an earlier one at the same stack."""

        def edit(text: str) -> str:
            others = [known for known in _parse(text) if not known.same_stack(login)]
            records = [known._asdict() for known in [*others, login]]
            return json.dumps({"logins": records}, indent=2) + "\n"

        edit_file(self._path, edit, private=True)

    @contextmanager
    def renewing(self) -> Iterator[None]:
        """Held by the one of many processes that renews a token."""
        if (fcntl := _fcntl()) is None:
            yield
            return
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _fcntl() -> Any:
    """Not on Windows, where two processes may each renew."""
    try:
        import fcntl
    except ImportError:
        return None
    return fcntl


def _parse(text: str) -> list[Login]:
    if not text.strip():
        return []
    try:
        return [Login(**record) for record in json.loads(text)["logins"]]
    except (ValueError, TypeError, KeyError) as error:
        # What is wrong with it is not shown: it holds tokens.
        raise InvalidDocument("the list of logins cannot be read: sign in again") from error
