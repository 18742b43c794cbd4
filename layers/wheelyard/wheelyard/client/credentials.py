"""Who uploads: found where twine finds it."""

import netrc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

from wheelyard.errors import InvalidSetting


class Credentials(NamedTuple):
    """A user name and a password, or an API token as the password."""

    username: str
    password: str

    def __repr__(self) -> str:
        """Only the part that is no secret."""
        return f"<Credentials {self.username!r}>"


class Address(NamedTuple):
    """Where an index is, without credentials, ending with ``/``; and those that stood in the URL."""

    url: str
    credentials: Credentials | None


def address(index_url: str) -> Address:
    """The root of an index from any of its URLs: the root's, ``…/simple/`` or ``…/legacy/``.

    Raises ``InvalidSetting``.
    """
    try:
        parts = urlsplit(index_url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidSetting(f"the index URL cannot be read: {error}") from None
    if parts.scheme not in ("http", "https") or not host:
        shown = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        raise InvalidSetting(f"the index URL is {shown!r:.200}: begin it with https://")
    path = parts.path.rstrip("/")
    for ending in ("/simple", "/legacy"):
        path = path.removesuffix(ending)
    name = f"[{host}]" if ":" in host else host
    netloc = f"{name}:{port}" if port else name
    found = None
    if parts.username:
        found = Credentials(unquote(parts.username), unquote(parts.password or ""))
    return Address(urlunsplit((parts.scheme, netloc, f"{path}/", "", "")), found)


def find_credentials(
    where: Address,
    environ: Mapping[str, str],
    *,
    username: str | None = None,
    password: str | None = None,
    ask: Callable[[str], str] | None = None,
) -> Credentials:
    """The credentials for an index.

    What is given comes first, then the URL, ``TWINE_USERNAME`` and ``TWINE_PASSWORD``, ``~/.netrc`` (or
    ``NETRC``), the keyring where that library is installed, and at last ``ask``, which is given a prompt.
    Raises ``InvalidSetting`` if none are found.
    """
    if username and password is not None:
        return Credentials(username, password)
    if where.credentials and where.credentials.password and not username:
        return where.credentials
    username = username or (where.credentials and where.credentials.username) or None
    username = username or environ.get("TWINE_USERNAME") or None
    password = environ.get("TWINE_PASSWORD") if password is None else password
    if username and password:
        return Credentials(username, password)
    found = _from_netrc(where.url, username, environ) or _from_keyring(where.url, username)
    if found is not None:
        return found
    if ask is None:
        raise InvalidSetting(
            f"no credentials for {where.url}: put them into the URL, TWINE_USERNAME and TWINE_PASSWORD, "
            "~/.netrc or a keyring"
        )
    username = username or ask("User name")
    return Credentials(username, ask("Password"))


def _from_netrc(url: str, username: str | None, environ: Mapping[str, str]) -> Credentials | None:
    path = Path(environ.get("NETRC") or Path.home() / ".netrc")
    try:
        found = netrc.netrc(path).authenticators(urlsplit(url).hostname or "")
    except (OSError, netrc.NetrcParseError):
        return None
    if found is None or not found[2] or (username and found[0] != username):
        return None
    return Credentials(found[0], found[2])


def _from_keyring(url: str, username: str | None) -> Credentials | None:
    try:
        import keyring
    except ImportError:
        return None
    found: Any = keyring.get_credential(url, username)
    return None if found is None else Credentials(found.username, found.password)
