"""Who is asking: credentials against the stored users and tokens, remembered in the process."""

import os
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import NamedTuple, Protocol

from wheelyard.access.apitoken import ApiToken, parse_token
from wheelyard.access.basic import REFUSED, Credentials, parse_basic
from wheelyard.access.lastuse import LastUse
from wheelyard.access.passwords import ROUNDS, fingerprint, hash_password, outdated, verify
from wheelyard.access.principal import Principal
from wheelyard.errors import KeyChanged, KeyNotFound, StorageError, Unauthenticated
from wheelyard.storage import keys
from wheelyard.storage.store import Store, Stored

RECHECK_AFTER = 30.0
"""Seconds that a verification is believed before the stored record is looked at again.

So this is also how long a removed user, a revoked token, or a changed password or role, can still be
effective.
"""

_REMEMBERED = 1000


class Clock(NamedTuple):
    """``elapsed`` gives seconds of which only differences count, ``now`` those since 1970."""

    elapsed: Callable[[], float]
    now: Callable[[], float]


class Records(Protocol):
    """What is needed of a store to know who is asking. See ``storage.store``."""

    def get(self, key: str, /) -> Stored:
        """The whole object. Raises ``KeyNotFound`` and ``StorageError``."""

    def get_unless(self, key: str, etag: str, /) -> Stored | None:
        """The whole object, or None if it is still the one with ``etag``."""


class _Verified(NamedTuple):
    principal: Principal
    etag: str
    until: float
    expires: float | None = None
    """When the token ends, in seconds since 1970."""


class Authenticator:
    """Verifies credentials; a slow password hash is computed once a process and user, not a request."""

    def __init__(
        self,
        store: "Store | Records",
        clock: Clock,
        rounds: int = ROUNDS,
        *,
        rehashes: bool = False,
    ) -> None:
        """``rounds`` is what a password's hash should cost; with ``rehashes``, one that costs less is
        made anew when it is used, which takes the permission to write user records. Where ``store`` is
        not a whole one, nothing is written at all.
        """
        self._store = store
        self._writable = store if isinstance(store, Store) else None
        self._clock = clock
        self._rounds = rounds
        self._rehashes = rehashes
        self._uses = LastUse(self._writable, clock.now) if self._writable else None
        self._key = os.urandom(32)
        self._verified: OrderedDict[bytes, _Verified] = OrderedDict()
        # A client opens dozens of connections at once with the same credentials: one hashes them.
        self._hashing = [Lock() for _ in range(16)]

    def identify(self, authorization: str | None) -> Principal:
        """Who sent this ``Authorization`` header.

        Raises ``Unauthenticated`` with the same message whatever the reason, and ``StorageError``.
        """
        remembered = fingerprint(self._key, authorization or "")
        if (known := self._believed(remembered)) is None:
            given = parse_basic(authorization)
            with self._hashing[remembered[0] % len(self._hashing)]:
                known = self._believed(remembered) or self._check(given, remembered)
        return self._noted(known)

    def believed(self, authorization: str | None) -> Principal | None:
        """Who sent this header, if this process verified it a moment ago; never waits for anything."""
        known = self._believed(fingerprint(self._key, authorization or ""))
        return None if known is None else self._noted(known)

    def _noted(self, known: _Verified) -> Principal:
        if known.principal.token is not None and self._uses is not None:
            self._uses.note(known.principal.token)
        return known.principal

    def _believed(self, remembered: bytes) -> _Verified | None:
        known = self._verified.get(remembered)
        if known is None or self._clock.elapsed() >= known.until:
            return None
        return None if self._ended(known) else known

    def _ended(self, known: _Verified) -> bool:
        return known.expires is not None and known.expires <= self._clock.now()

    def _check(self, given: Credentials, remembered: bytes) -> _Verified:
        token = parse_token(given.password)
        key = keys.user(given.username) if token is None else keys.token(token.id)
        known = self._verified.pop(remembered, None)
        until = self._clock.elapsed() + RECHECK_AFTER
        try:
            if known is not None:
                changed = self._store.get_unless(key, known.etag)
                if changed is None and not self._ended(known):
                    return self._remember(remembered, known._replace(until=until))
                record = changed or self._store.get(key)
            else:
                record = self._store.get(key)
        except KeyNotFound:
            if token is None:
                verify(given.password, None, self._rounds)
            reason = "unknown user" if token is None else "unknown token"
            raise Unauthenticated(REFUSED, reason) from None
        verified = (
            self._by_password(given, key, record)
            if token is None
            else self._by_token(token, key, record)
        )
        return self._remember(remembered, verified._replace(until=until))

    def _by_password(self, given: Credentials, key: str, record: Stored) -> _Verified:
        # A request has a password or a token, and reads the record of one of them.
        from wheelyard.access.users import parse_user

        user = parse_user(record.body, key)
        try:
            is_right = verify(given.password, user.hash, self._rounds)
        except StorageError as error:
            raise StorageError(f"{key!r} cannot be used: {error}") from error
        if not is_right:
            raise Unauthenticated(REFUSED, "wrong password", given.username)
        etag = record.etag
        if self._rehashes and self._writable and outdated(user.hash, self._rounds):
            etag = self._rehash(self._writable, given.password, key, record)
        return _Verified(Principal(given.username, user.rights), etag, 0)

    def _rehash(self, store: Store, password: str, key: str, record: Stored) -> str:
        from wheelyard.access.users import with_hash

        body = with_hash(record.body, hash_password(password, self._rounds))
        try:
            return store.replace(key, body, record.etag)
        except KeyChanged:  # by another process that does the same, or by an administrator
            return record.etag

    def _by_token(self, token: ApiToken, key: str, record: Stored) -> _Verified:
        from wheelyard.access.tokens import parse_record

        found = parse_record(record.body, key)
        if not token.has_digest(found.digest):
            raise Unauthenticated(REFUSED, "unknown token")
        if found.expired(self._clock.now()):
            raise Unauthenticated(REFUSED, "expired token")
        principal = Principal(found.owner, found.rights, found.id, found.publisher)
        expires = found.expires.timestamp() if found.expires else None
        return _Verified(principal, record.etag, 0, expires)

    def _remember(self, key: bytes, verified: _Verified) -> _Verified:
        self._verified[key] = verified
        while len(self._verified) > _REMEMBERED:
            self._verified.popitem(last=False)
        return verified
