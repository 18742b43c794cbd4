"""Where the upstream index is, and the credentials that go there and nowhere else."""

import json
from base64 import b64encode
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

from wheelyard.errors import UpstreamRefused, UpstreamUnavailable
from wheelyard.protocol.names import ProjectName

_PORTS = {"http": 80, "https": 443}
# Seconds for which a secret that was read is believed, so that a rotated one is taken up.
_SECRET_LIFETIME = 300.0


class Location(NamedTuple):
    """The simple index of an upstream.

    ``url``            its URL without credentials, with a slash at its end
    ``authorization``  the value of the header that it wants, or None
    """

    url: str
    authorization: str | None

    def page(self, name: ProjectName) -> str:
        """The URL of a project's page."""
        return f"{self.url}{name}/"

    def authorization_for(self, url: str) -> str | None:
        """The header's value for ``url``: None for every origin but the index's own (RFC 6454)."""
        return self.authorization if origin(url) == origin(self.url) else None

    def __repr__(self) -> str:
        """Without credentials, and without the path, in which some hosts have a token."""
        return f"<Location {origin(self.url)}>"


class Origin(NamedTuple):
    """Scheme, host and port."""

    scheme: str
    host: str
    port: int


def origin(url: str) -> Origin | None:
    """The origin of an http(s) URL, None for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not parts.hostname:
        return None
    return Origin(parts.scheme, parts.hostname.rstrip("."), port or _PORTS[parts.scheme])


def without_credentials(url: str) -> str:
    """The URL without user and password."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def parse_location(url: str) -> Location:
    """Take credentials out of an index URL. Raises ``UpstreamRefused``, which does not show it."""
    if origin(url) is None:
        raise UpstreamRefused("UPSTREAM_INDEX_URL does not lead to the http(s) URL of an index")
    user, _, password = urlsplit(url).netloc.rpartition("@")[0].partition(":")
    authorization = None
    if user or password:
        pair = f"{unquote(user)}:{unquote(password)}".encode()
        authorization = f"Basic {b64encode(pair).decode()}"
    return Location(without_credentials(url).rstrip("/") + "/", authorization)


class Locator:
    """Finds the upstream's location when it is first needed, in a secret where it is kept there."""

    def __init__(self, setting: str, monotonic: Callable[[], float]) -> None:
        """``setting`` is a URL, or a secret's ARN, with a key of its JSON after a colon or without."""
        self._setting = setting
        self._monotonic = monotonic
        self._known: tuple[float, Location] | None = None

    def find(self) -> Location:
        """The location. Raises ``UpstreamError`` for a secret that cannot be read or used."""
        now = self._monotonic()
        if self._known is None or now >= self._known[0]:
            secret = self._setting.startswith("arn:")
            url = _read_secret(self._setting) if secret else self._setting
            until = now + _SECRET_LIFETIME if secret else float("inf")
            self._known = (until, parse_location(url))
        return self._known[1]


def _read_secret(reference: str) -> str:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    parts = reference.split(":")
    arn, key = ":".join(parts[:7]), parts[7] if len(parts) > 7 else None
    try:
        client = boto3.client("secretsmanager", region_name=parts[3])
        text = str(client.get_secret_value(SecretId=arn)["SecretString"])
    except (BotoCoreError, ClientError, KeyError) as error:
        raise UpstreamUnavailable(
            "the secret that UPSTREAM_INDEX_URL names cannot be read"
        ) from error
    if key is None:
        return text.strip()
    try:
        return str(json.loads(text)[key]).strip()
    except (ValueError, TypeError, KeyError) as error:
        raise UpstreamRefused(
            f"the secret that UPSTREAM_INDEX_URL names has no key {key!r}"
        ) from error
