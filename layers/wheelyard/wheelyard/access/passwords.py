"""Password hashes in the modular crypt format of passlib's ``pbkdf2_sha512``.

Hashes are made by passlib. The request path only verifies them, by ``hashlib``: importing passlib
costs a cold start 45 ms, and the format is one line
(https://passlib.readthedocs.io/en/stable/lib/passlib.hash.pbkdf2_digest.html). Hashes of other schemes come
with users imported from elsewhere; ``access.foreign`` verifies those.
"""

import hashlib
import hmac
from binascii import a2b_base64

from wheelyard.errors import InvalidUser, StorageError

ROUNDS = 25_000
"""Iterations of PBKDF2 for a new password, unless set otherwise; as passlib's own default."""

MOST_ROUNDS = 2_000_000
"""What a hash from elsewhere may cost at most: every sign-in pays for it."""

MAX_LENGTH = 4096
"""Characters of a password that are looked at at all (passlib's own bound)."""

_PREFIX = "$pbkdf2-sha512$"


def hash_password(password: str, rounds: int = ROUNDS) -> str:
    """The hash to store, with a fresh salt."""
    # Only those who set passwords pay for the import.
    from passlib.hash import pbkdf2_sha512

    return str(pbkdf2_sha512.using(rounds=rounds).hash(password))


def make_password(length: int) -> str:
    """A random password of ASCII letters and digits, so that it needs no escaping in a URL."""
    from secrets import choice
    from string import ascii_letters, digits

    return "".join(choice(ascii_letters + digits) for _ in range(length))


def verify(password: str, stored: str | None, rounds: int = ROUNDS) -> bool:
    """Whether ``password`` is the one that ``stored`` was made of; ``stored`` None is no user.

    Takes as long for no user as for a wrong password hashed with ``rounds``, and compares in constant
    time. Raises ``StorageError`` for a stored hash that cannot be read.
    """
    if stored is None:
        _verify_own(password, f"{_PREFIX}{rounds}${'A' * 22}${'A' * 86}")
        return False
    if stored.startswith(_PREFIX):
        return _verify_own(password, stored)
    from wheelyard.access.foreign import verify_foreign

    return verify_foreign(password[:MAX_LENGTH], stored)


def check_hash(stored: str) -> None:
    """Raises ``InvalidUser`` for a hash that could not be verified later, or not within seconds."""
    if not stored.startswith(_PREFIX):
        from wheelyard.access.foreign import check_foreign

        check_foreign(stored)
    elif not _readable(stored):
        raise InvalidUser(
            f"a password hash is not of the form {_PREFIX}rounds$salt$checksum, with 1 to {MOST_ROUNDS} "
            "rounds and the 64 bytes of a SHA-512"
        )


def _readable(stored: str) -> bool:
    try:
        rounds, salt, checksum = stored.removeprefix(_PREFIX).split("$")
        _decode(salt)
        is_number = rounds.isascii() and rounds.isdecimal() and len(rounds) < 10
        return is_number and 0 < int(rounds) <= MOST_ROUNDS and len(_decode(checksum)) == 64
    except ValueError:
        return False


def outdated(stored: str, rounds: int) -> bool:
    """Whether a hash should be made anew with ``rounds``: it has fewer, or is of another scheme."""
    if not stored.startswith(_PREFIX):
        return True
    return int(stored.removeprefix(_PREFIX).partition("$")[0]) < rounds


def _verify_own(password: str, stored: str) -> bool:
    try:
        rounds, salt, checksum = stored.removeprefix(_PREFIX).split("$")
        expected = _decode(checksum)
        computed = hashlib.pbkdf2_hmac(
            "sha512", password[:MAX_LENGTH].encode(), _decode(salt), int(rounds)
        )
    except (ValueError, OverflowError) as error:
        raise StorageError("a stored password hash is not in the format pbkdf2-sha512") from error
    return hmac.compare_digest(computed, expected)


def _decode(text: str) -> bytes:
    """passlib's "adapted base64": ``.`` for ``+``, no padding."""
    return a2b_base64(text.replace(".", "+") + "=" * (-len(text) % 4), strict_mode=True)


def fingerprint(key: bytes, authorization: str) -> bytes:
    """What a process remembers credentials by: useless without ``key``, which never leaves it.

    Of the header as it came, so that one that was verified before need not be taken apart again.
    """
    # An event is JSON, which can say half a character (a lone surrogate).
    message = authorization.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(message, key=key, digest_size=32).digest()
