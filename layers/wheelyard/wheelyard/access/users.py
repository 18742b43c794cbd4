"""User records: who they are, their password's hash, and what they may do."""

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from typing import NamedTuple

from wheelyard.access.apitoken import USERNAME
from wheelyard.access.passwords import MAX_LENGTH, ROUNDS, check_hash, hash_password
from wheelyard.access.rights import Rights, parse_rights
from wheelyard.audit.recorder import Recorder, unrecorded
from wheelyard.errors import InvalidUser, StorageError
from wheelyard.storage import keys
from wheelyard.storage.store import Store


class User(NamedTuple):
    """A user record, as stored.

    ``name`` is None in records that another tool wrote: their key is the only trace of it.
    """

    name: str | None
    hash: str
    rights: Rights

    @property
    def upload(self) -> bool:
        """Whether they may upload anything."""
        return self.rights.upload

    def __repr__(self) -> str:
        """The hash stays out of logs."""
        return f"<User {self.name!r}: {self.rights}>"


def parse_user(raw: bytes, key: str) -> User:
    """Read a record, ``{"hash": "$pbkdf2-sha512$…", "upload": …, "username"?: str, "read"?: …}``.

    ``key`` is where it is stored. Raises ``StorageError``: a record that cannot be read lets nobody in,
    and is not "no such user".
    """
    try:
        record = json.loads(raw)
        name, stored_hash = record.get("username"), record["hash"]
        if not isinstance(stored_hash, str) or not isinstance(name, str | None):
            raise TypeError("hash and username must be strings")
        return User(name, stored_hash, parse_rights(record))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StorageError(f"{key!r} cannot be read: {error!r:.200}") from error


def with_hash(raw: bytes, new_hash: str) -> bytes:
    """The record in ``raw`` with another hash, and everything else as it was."""
    return json.dumps(json.loads(raw) | {"hash": new_hash}).encode()


class Users:
    """The users of a store, for those who manage them."""

    def __init__(self, store: Store, rounds: int = ROUNDS, record: Recorder = unrecorded) -> None:
        """``rounds`` is the cost of hashing a password; ``record`` has changes in the audit trail."""
        self._store = store
        self._rounds = rounds
        self._record = record

    def put(
        self, username: str, password: str, *, upload: bool = False, rights: Rights | None = None
    ) -> None:
        """Add the user, or give it another password and other rights.

        ``upload`` is short for the rights to read and upload everything. Raises ``InvalidUser``.
        """
        check_username(username)
        if not password or len(password) > MAX_LENGTH or not password.isprintable():
            raise InvalidUser(
                f"this password cannot be used: use 1 to {MAX_LENGTH} printable characters"
            )
        given = rights or parse_rights({"upload": upload})
        self.put_hash(username, hash_password(password, self._rounds), given)

    def put_hash(self, username: str, stored_hash: str, rights: Rights) -> None:
        """Add or replace a user by the hash of the password. Raises ``InvalidUser``."""
        check_username(username)
        record = {"username": username, "hash": stored_hash, **rights.as_record()}
        with self._changing("put-user", username, rights.as_record()):
            self._store.put(keys.user(username), json.dumps(record).encode())

    def take_in(
        self, key: str, name: str | None, stored_hash: str, rights: Rights, *, replace: bool
    ) -> bool:
        """Take a user over from elsewhere, by the hash of the password and the key of the record.

        Returns whether that was done: one who is here already stays as they are, without ``replace``.
        Raises ``InvalidUser`` for a name or a hash that nobody could sign in with.
        """
        if name is not None:
            check_username(name)
        check_hash(stored_hash)
        record: dict[str, object] = {"hash": stored_hash, **rights.as_record()}
        if name is not None:
            record["username"] = name
        body = json.dumps(record).encode()
        if not replace and self._store.exists(key):
            return False
        with self._changing("put-user", name or key, rights.as_record()):
            self._store.put(key, body)
        return True

    def exists(self, username: str) -> bool:
        """Whether there is such a user."""
        return self._store.exists(keys.user(username))

    def remove(self, username: str) -> bool:
        """Remove the user; returns whether there was one."""
        if not self.exists(username):
            return False
        with self._changing("remove-user", username):
            self._store.delete(keys.user(username))
        return True

    def _changing(
        self, action: str, username: str, details: Mapping[str, object] | None = None
    ) -> AbstractContextManager[object]:
        # Only those who change users need it.
        from wheelyard.audit.event import Change

        return self._record(Change(action, details={"subject": username, **(details or {})}))

    def list(self) -> Iterator[User]:
        """All users, in no meaningful order."""
        for entry in self._store.list(keys.USERS):
            yield parse_user(self._store.get(entry.key).body, entry.key)


def check_username(username: str) -> None:
    """Raises ``InvalidUser`` for a name that no client could send."""
    # RFC 7617: a user-id cannot contain a colon; control characters cannot be sent by clients.
    if not username or len(username) > 255 or ":" in username or not username.isprintable():
        raise InvalidUser(
            f"{username[:255]!r} cannot be a username: use 1 to 255 printable characters without ':'"
        )
    if username == USERNAME:
        raise InvalidUser(f"{USERNAME!r} cannot be a username: clients send it with an API token")
