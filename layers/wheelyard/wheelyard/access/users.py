"""User records: who they are, their password's hash, and whether they may upload."""

import json
from collections.abc import Iterator
from typing import NamedTuple

from wheelyard.access.passwords import MAX_LENGTH, hash_password
from wheelyard.errors import InvalidUser, KeyNotFound, StorageError
from wheelyard.storage import keys
from wheelyard.storage.store import Store


class User(NamedTuple):
    """A user record, as stored.

    ``name`` is None in records that another tool wrote: their key is the only trace of it.
    """

    name: str | None
    hash: str
    upload: bool

    def __repr__(self) -> str:
        """The hash stays out of logs."""
        return f"<User {self.name!r} upload={self.upload}>"


def parse_user(raw: bytes) -> User:
    """Read a stored record, ``{"hash": "$pbkdf2-sha512$…", "upload": bool, "username"?: str}``.

    Raises ``StorageError``: a record that cannot be read lets nobody in, and is not "no such user".
    """
    try:
        record = json.loads(raw)
        name, stored_hash = record.get("username"), record["hash"]
        if not isinstance(stored_hash, str) or not isinstance(name, str | None):
            raise TypeError("hash and username must be strings")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StorageError(f"a user record cannot be read: {error!r}") from error
    return User(name, stored_hash, record.get("upload") is True)


class Users:
    """The users of a store, for those who manage them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, username: str, password: str, *, upload: bool = False) -> None:
        """Add the user, or give it another password and role. Raises ``InvalidUser``."""
        _check(username, password)
        record = {"username": username, "hash": hash_password(password), "upload": upload}
        self._store.put(keys.user(username), json.dumps(record).encode())

    def remove(self, username: str) -> bool:
        """Remove the user; returns whether there was one."""
        try:
            self._store.head(keys.user(username))
        except KeyNotFound:
            return False
        self._store.delete(keys.user(username))
        return True

    def list(self) -> Iterator[User]:
        """All users, in no meaningful order."""
        for entry in self._store.list(keys.USERS):
            yield parse_user(self._store.get(entry.key).body)


def _check(username: str, password: str) -> None:
    # RFC 7617: a user-id cannot contain a colon; control characters cannot be sent by clients.
    if not username or len(username) > 255 or ":" in username or not username.isprintable():
        raise InvalidUser(
            f"{username[:255]!r} cannot be a username: use 1 to 255 printable characters without ':'"
        )
    if not password or len(password) > MAX_LENGTH or not password.isprintable():
        raise InvalidUser(
            f"this password cannot be used: use 1 to {MAX_LENGTH} printable characters"
        )
