"""Password hashes of other schemes, as users imported from elsewhere have them, verified by passlib.

Such a hash is replaced by one of our own when its user next signs in where records can be written.
"""

import hashlib
import hmac
from base64 import b64decode
from typing import TYPE_CHECKING

from wheelyard.errors import InvalidUser, StorageError

if TYPE_CHECKING:
    from passlib.context import CryptContext

SCHEMES = (
    "bcrypt",
    "apr_md5_crypt",
    "ldap_salted_sha1",
    "ldap_sha1",
    "sha512_crypt",
    "sha256_crypt",
    "md5_crypt",
    "pbkdf2_sha256",
    "pbkdf2_sha1",
    "ldap_salted_sha256",
    "ldap_salted_sha512",
    "des_crypt",
)
"""What can be verified: all that htpasswd writes but plain text, and what passlib users store.

argon2 and scrypt are left out: argon2 needs another package, and scrypt more memory than a function has.
"""


MOST_COST = 5_000_000
"""In rounds of SHA; what a sign-in may take."""

_SHA1 = ("{SHA}", "{SSHA}")


def verify_foreign(password: str, stored: str) -> bool:
    """Whether ``password`` is the one that ``stored`` was made of.

    Raises ``StorageError`` for a stored hash of an unknown or malformed scheme.
    """
    try:
        if stored.startswith(_SHA1):
            return _verify_sha1(password, stored)
        return _verify(password, stored)
    except (ValueError, TypeError) as error:
        raise StorageError("a stored password hash is of no scheme that is known here") from error


def _verify(password: str, stored: str) -> bool:
    """Raises ``ValueError`` and ``TypeError`` for a hash that cannot be used.

    A password that the scheme cannot take, such as one too long for bcrypt or with a NUL in it, is only
    wrong: an error of its own would tell strangers that there is such a user.
    """
    context = _context()
    try:
        return bool(context.verify(password, stored))
    except ValueError:
        context.verify("", stored)
        return False


def check_foreign(stored: str) -> None:
    """Raises ``InvalidUser`` for a hash that could not be verified later, or not within seconds."""
    if _cost(stored) > MOST_COST:
        raise InvalidUser(
            "a password hash has so many rounds that every sign-in would take seconds"
        )
    try:
        verify_foreign("", stored)
    except StorageError as error:
        raise InvalidUser(
            f"a password hash is of no scheme that can be verified: use one of {', '.join(SCHEMES)}"
        ) from error


def _cost(stored: str) -> int:
    """The rounds of a hash, 0 where it says none or nothing can be made of it."""
    if stored.startswith(_SHA1):
        return 0
    try:
        context = _context()
        handler = context.handler(context.identify(stored, required=True))
        rounds = int(getattr(handler.from_string(stored), "rounds", 0))
    except (ValueError, TypeError, KeyError):
        return 0
    # Blowfish's rounds are dearer than those of the SHAs: 2^12 of them take what 500,000 of those do.
    return 2**rounds * 100 if handler.name == "bcrypt" else rounds


def _verify_sha1(password: str, stored: str) -> bool:
    """LDAP's ``{SHA}`` and ``{SSHA}``, whose salt stands behind the digest.

    Not by passlib, which takes no salts as long as s3pypi's, and a cut-off ``{SHA}`` for whole.
    """
    raw = b64decode(stored.partition("}")[2], validate=True)
    if len(raw) < 20 or (stored.startswith("{SHA}") and len(raw) > 20):
        raise ValueError("not of the length of a SHA-1")
    computed = hashlib.sha1(password.encode() + raw[20:], usedforsecurity=False).digest()
    return hmac.compare_digest(computed, raw[:20])


def _context() -> "CryptContext":
    # Few indexes have such hashes; the import would cost every cold start 45 ms.
    from passlib.context import CryptContext

    return CryptContext(
        schemes=[scheme for scheme in SCHEMES if scheme not in ("ldap_sha1", "ldap_salted_sha1")]
    )
