"""HTTP Basic credentials (RFC 7617)."""

from binascii import a2b_base64
from typing import NamedTuple

from wheelyard.errors import Unauthenticated

REFUSED = "This index needs a user name and a password, and these were missing or wrong"
"""Said whatever the reason, which only the log knows."""

_LONGEST = 16_384


class Credentials(NamedTuple):
    """What a client claims."""

    username: str
    password: str

    def __repr__(self) -> str:
        """The password stays out of logs, and so does the user name: people mistake one for the other."""
        return "<Credentials>"


def parse_basic(authorization: str | None) -> Credentials:
    """Read an ``Authorization`` header. Raises ``Unauthenticated``."""
    if not authorization:
        raise Unauthenticated(REFUSED)
    scheme, _, encoded = authorization.strip().partition(" ")
    if scheme.lower() != "basic" or len(encoded) > _LONGEST:
        raise Unauthenticated(REFUSED, "not HTTP Basic")
    try:
        raw = a2b_base64(encoded.strip(), strict_mode=True)
    except ValueError:
        raise Unauthenticated(REFUSED, "not HTTP Basic") from None
    try:
        decoded = raw.decode()
    except UnicodeDecodeError:  # clients from before RFC 7617 send Latin-1
        decoded = raw.decode("latin-1")
    username, colon, password = decoded.partition(":")
    if not colon:
        raise Unauthenticated(REFUSED, "not HTTP Basic")
    return Credentials(username, password)
