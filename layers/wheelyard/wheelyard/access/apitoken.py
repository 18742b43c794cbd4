"""API tokens as clients hold them: ``whyd_``, an id, a secret, and a checksum.

Everything after the prefix is letters and digits, so a token needs no escaping anywhere. The prefix and the
checksum let scanners find leaked tokens and know them from chance
(https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/). The
secret has 190 bits, so one SHA-256 is hash enough: there is nothing to guess.
"""

import hashlib
import hmac
from typing import NamedTuple
from zlib import crc32

PREFIX = "whyd_"

USERNAME = "__token__"
"""The user name that clients send with a token where they have no other; no user can have it."""

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID = 12
_SECRET = 32
_CHECKSUM = 6


class ApiToken(NamedTuple):
    """A token: ``id`` may be shown and stored, ``text`` is the secret that the client sends."""

    id: str
    text: str

    @property
    def digest(self) -> str:
        """What is stored of it, in hexadecimal."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def has_digest(self, stored: str) -> bool:
        """Whether this is the token that ``stored`` is the digest of; compares in constant time."""
        return hmac.compare_digest(self.digest.encode(), stored.encode())

    def __repr__(self) -> str:
        """The secret stays out of logs."""
        return f"<ApiToken {self.id}>"


def make_token() -> ApiToken:
    """A new token."""
    # Only those who make tokens pay for the import.
    from secrets import choice

    body = "".join(choice(_ALPHABET) for _ in range(_ID + _SECRET))
    return ApiToken(body[:_ID], f"{PREFIX}{body}{_checksum(body)}")


def parse_token(text: str) -> ApiToken | None:
    """The token that ``text`` is, or None where it is not one."""
    body, checksum = text[len(PREFIX) : -_CHECKSUM], text[-_CHECKSUM:]
    if not text.startswith(PREFIX) or not _in_alphabet(body, _ID + _SECRET):
        return None
    return ApiToken(body[:_ID], text) if checksum == _checksum(body) else None


def is_token_id(text: str) -> bool:
    """Whether ``text`` is shaped as a token's id."""
    return _in_alphabet(text, _ID)


def _in_alphabet(text: str, length: int) -> bool:
    return len(text) == length and text.isascii() and text.isalnum()


def _checksum(body: str) -> str:
    number, digits = crc32(body.encode()), ""
    for _ in range(_CHECKSUM):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
