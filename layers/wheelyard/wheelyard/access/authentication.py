"""Who is asking: HTTP Basic credentials against the stored users, remembered in the process."""

import os
from base64 import b64decode
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import NamedTuple

from wheelyard.access.passwords import fingerprint, verify
from wheelyard.access.users import parse_user
from wheelyard.errors import Forbidden, KeyNotFound, Unauthenticated
from wheelyard.storage import keys
from wheelyard.storage.store import Store

RECHECK_AFTER = 30.0
"""Seconds that a verification is believed before the stored record is looked at again.

So this is also how long a removed user, or a changed password or role, can still be effective.
"""

_REMEMBERED = 1000


class Principal(NamedTuple):
    """Somebody whose credentials were right."""

    username: str
    upload: bool

    def require_upload(self) -> None:
        """Raises ``Forbidden`` for one who may only read."""
        if not self.upload:
            raise Forbidden(
                f"user {self.username!r} may read but not upload: ask for the upload role"
            )


class _Verified(NamedTuple):
    principal: Principal
    etag: str
    until: float


class Authenticator:
    """Verifies credentials; a slow password hash is computed once a process and user, not a request."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        """``clock`` gives seconds; only differences count."""
        self._store = store
        self._clock = clock
        self._key = os.urandom(32)
        self._verified: OrderedDict[str, _Verified] = OrderedDict()
        # A client opens dozens of connections at once with the same credentials: one hashes them.
        self._hashing = [Lock() for _ in range(16)]

    def identify(self, authorization: str | None) -> Principal:
        """Who sent this ``Authorization`` header.

        Raises ``Unauthenticated`` with the same message whatever the reason, and ``StorageError``.
        """
        username, password = _basic(authorization)
        remembered = fingerprint(self._key, username, password)
        known = self._verified.get(remembered)
        if known is not None and self._clock() < known.until:
            return known.principal
        with self._hashing[ord(remembered[0]) % len(self._hashing)]:
            return self._check(username, password, remembered)

    def _check(self, username: str, password: str, remembered: str) -> Principal:
        known = self._verified.get(remembered)
        now = self._clock()
        if known is not None and now < known.until:
            return known.principal
        key = keys.user(username)
        try:
            if known is not None and self._store.get_unless(key, known.etag) is None:
                return self._remember(remembered, known._replace(until=now + RECHECK_AFTER))
            record = self._store.get(key)
        except KeyNotFound:
            self._verified.pop(remembered, None)
            verify(password, None)
            raise Unauthenticated(_REFUSED) from None
        user = parse_user(record.body)
        self._verified.pop(remembered, None)
        if not verify(password, user.hash):
            raise Unauthenticated(_REFUSED)
        principal = Principal(username, user.upload)
        return self._remember(remembered, _Verified(principal, record.etag, now + RECHECK_AFTER))

    def _remember(self, key: str, verified: _Verified) -> Principal:
        self._verified[key] = verified
        self._verified.move_to_end(key)
        while len(self._verified) > _REMEMBERED:
            self._verified.popitem(last=False)
        return verified.principal


_REFUSED = "This index needs a user name and a password, and these were missing or wrong"


def _basic(authorization: str | None) -> tuple[str, str]:
    """The user-id and password of RFC 7617; raises ``Unauthenticated``."""
    scheme, _, encoded = (authorization or "").strip().partition(" ")
    if scheme.lower() != "basic" or len(encoded) > 16_384:
        raise Unauthenticated(_REFUSED)
    try:
        raw = b64decode(encoded.strip(), validate=True)
    except ValueError:
        raise Unauthenticated(_REFUSED) from None
    try:
        decoded = raw.decode()
    except UnicodeDecodeError:  # clients from before RFC 7617 send Latin-1
        decoded = raw.decode("latin-1")
    username, colon, password = decoded.partition(":")
    if not colon:
        raise Unauthenticated(_REFUSED)
    return username, password
