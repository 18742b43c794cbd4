"""Token records: whose it is, what it may do, until when, and the digest of its secret."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from wheelyard.access.apitoken import ApiToken, is_token_id, make_token, parse_token
from wheelyard.access.rights import Rights, parse_rights
from wheelyard.audit.recorder import Recorder, unrecorded
from wheelyard.errors import InvalidToken, KeyNotFound, StorageError
from wheelyard.storage import keys
from wheelyard.storage.store import Store

LONGEST = timedelta(days=3660)


class Token(NamedTuple):
    """A token's record, as stored. Times are in UTC; ``expires`` None is never.

    ``publisher`` stands in tokens minted by trusted publishing: the publisher of PEP 740.
    """

    id: str
    owner: str
    rights: Rights
    digest: str
    created: datetime
    expires: datetime | None = None
    description: str = ""
    publisher: Mapping[str, object] | None = None

    def expired(self, now: float) -> bool:
        """Whether it is no longer good at ``now``, in seconds since 1970."""
        return self.expires is not None and self.expires.timestamp() <= now

    def __repr__(self) -> str:
        """The digest stays out of logs."""
        return f"<Token {self.id} of {self.owner!r}: {self.rights}>"


class NewToken(NamedTuple):
    """A token just made: its record, and the secret, which is shown this once and stored nowhere."""

    record: Token
    secret: str

    def __repr__(self) -> str:
        """The secret stays out of logs."""
        return f"<NewToken {self.record!r}>"


def parse_record(raw: bytes, key: str) -> Token:
    """Read the record that is stored under ``key``.

    Raises ``StorageError``: one that cannot be read lets nobody in.
    """
    try:
        record = json.loads(raw)
        expires = record.get("expires")
        return Token(
            id=_text(record, "id"),
            owner=_text(record, "owner"),
            rights=parse_rights(record),
            digest=_text(record, "digest"),
            created=datetime.fromisoformat(record["created"]),
            expires=datetime.fromisoformat(expires) if expires else None,
            description=record.get("description", ""),
            publisher=record.get("publisher"),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StorageError(f"{key!r} cannot be read: {error!r:.200}") from error


def _text(record: Mapping[str, object], key: str) -> str:
    value = record[key]
    if not isinstance(value, str):
        raise TypeError(f"{key} must be a string")
    return value


class Tokens:
    """The tokens of a store, for those who manage them."""

    def __init__(
        self, store: Store, now: Callable[[], float], record: Recorder = unrecorded
    ) -> None:
        """``now`` gives seconds since 1970; ``record`` has changes in the audit trail."""
        self._store = store
        self._now = now
        self._record = record

    def create(
        self,
        owner: str,
        rights: Rights,
        lifetime: timedelta | None = None,
        description: str = "",
        publisher: Mapping[str, object] | None = None,
    ) -> NewToken:
        """Make a token for ``owner``, who need not be a user. Raises ``InvalidToken``."""
        _check(owner, lifetime, description)
        created = datetime.fromtimestamp(int(self._now()), UTC)
        made = make_token()
        expires = created + lifetime if lifetime else None
        token = Token(made.id, owner, rights, made.digest, created, expires, description, publisher)
        told = {"owner": owner, **rights.as_record(), "expires": expires and expires.isoformat()}
        with self._changing("create-token", made.id, told):
            self._store.create(keys.token(made.id), _dump(token))
        return NewToken(token, made.text)

    def find(self, token: ApiToken) -> Token | None:
        """The record of a token that somebody holds, None if there is none or it is another's."""
        key = keys.token(token.id)
        try:
            record = parse_record(self._store.get(key).body, key)
        except KeyNotFound:
            return None
        return record if token.has_digest(record.digest) else None

    def list(self) -> Iterator[Token]:
        """All tokens, in no meaningful order, expired ones too."""
        for entry in self._store.list(keys.TOKENS):
            yield parse_record(self._store.get(entry.key).body, entry.key)

    def revoke(self, token_id: str) -> bool:
        """End the token with this id, or the whole token, if somebody found one lying about.

        Returns whether there was one. Raises ``InvalidToken``.
        """
        whole = parse_token(token_id)
        token_id = whole.id if whole else token_id
        if not is_token_id(token_id):
            # Not shown again: it may be a secret with a letter missing.
            raise InvalidToken(
                "that is no token id: use the 12 characters that the list of tokens has"
            )
        if not self._store.exists(keys.token(token_id)):
            return False
        with self._changing("revoke-token", token_id, {}):
            self._store.delete(keys.token(token_id))
            self._store.delete(keys.token_use(token_id))
        return True

    def _changing(
        self, action: str, token_id: str, details: Mapping[str, object]
    ) -> AbstractContextManager[object]:
        # Only those who change tokens need it.
        from wheelyard.audit.event import Change

        return self._record(Change(action, details={"subject": token_id, **details}))

    def revoke_owned(self, owner: str) -> int:
        """End every token of ``owner``; returns how many there were."""
        owned = [token.id for token in self.list() if token.owner == owner]
        return sum(self.revoke(token_id) for token_id in owned)


def _dump(token: Token) -> bytes:
    record: dict[str, object] = {
        "id": token.id,
        "owner": token.owner,
        **token.rights.as_record(),
        "digest": token.digest,
        "created": token.created.isoformat(),
    }
    if token.expires is not None:
        record["expires"] = token.expires.isoformat()
    if token.description:
        record["description"] = token.description
    if token.publisher is not None:
        record["publisher"] = token.publisher
    return json.dumps(record).encode()


def _check(owner: str, lifetime: timedelta | None, description: str) -> None:
    if not owner or len(owner) > 255 or not owner.isprintable():
        raise InvalidToken(f"{owner[:255]!r} cannot own a token: use 1 to 255 printable characters")
    if lifetime is not None and not timedelta(seconds=1) <= lifetime <= LONGEST:
        raise InvalidToken(
            f"a token cannot live for {lifetime}: use one second to {LONGEST.days} days"
        )
    if len(description) > 255 or not description.isprintable():
        raise InvalidToken("a token's description is at most 255 printable characters")
