"""API tokens: their text, their records, and managing them."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from obstore.store import MemoryStore

from wheelyard.access.apitoken import ApiToken, make_token, parse_token
from wheelyard.access.lastuse import LastUse
from wheelyard.access.rights import rights
from wheelyard.access.tokens import LONGEST, NewToken, Tokens
from wheelyard.errors import InvalidToken, StorageError
from wheelyard.storage import keys
from wheelyard.storage.objects import ObjectStore
from wheelyard.storage.store import Store

NOW = 1_800_000_000


@pytest.fixture
def store() -> Store:
    """An empty store."""
    return ObjectStore(MemoryStore())


@pytest.fixture
def tokens(store: Store) -> Tokens:
    """The tokens of the store, at a time that stands."""
    return Tokens(store, lambda: NOW + 0.5)


def test_a_token_is_recognisable() -> None:
    """Tokens differ, need no escaping, and have the prefix and a checksum that are theirs."""
    made = {make_token().text for _ in range(50)}
    assert len(made) == 50
    for text in made:
        assert text.startswith("whyd_")
        assert text.removeprefix("whyd_").isalnum()
        assert len(text) == 55
        token = parse_token(text)
        assert token is not None
        assert token.text == text
        assert token.id == text[5:17]


def test_a_mistyped_token_is_none() -> None:
    """A token with one letter changed, added or missing is known to be wrong without asking the store."""
    text = make_token().text
    changed = [
        text[:place] + ("a" if text[place] != "a" else "b") + text[place + 1 :]
        for place in range(len(text))
    ]
    for wrong in [*changed, text[:-1], text + "a", " " + text, "", "whyd_", text.upper()]:
        assert parse_token(wrong) is None


def test_the_stored_record_has_no_secret(store: Store, tokens: Tokens) -> None:
    """Of the token only a digest and the id are stored, under a key that tells neither."""
    made = tokens.create("ci", rights(["acme-*"]), timedelta(days=1), "for the builds")
    (entry,) = store.list(keys.TOKENS)
    record = json.loads(store.get(entry.key).body)
    secret_part = made.secret.removeprefix(f"whyd_{made.record.id}")
    assert made.record.id not in entry.key
    assert secret_part not in json.dumps(record)
    assert record == {
        "id": made.record.id,
        "owner": "ci",
        "upload": ["acme-*"],
        "digest": ApiToken(made.record.id, made.secret).digest,
        "created": "2027-01-15T08:00:00+00:00",
        "expires": "2027-01-16T08:00:00+00:00",
        "description": "for the builds",
    }


def test_what_is_listed_is_what_was_made(tokens: Tokens) -> None:
    """The list has every token's record, and none of the secrets."""
    made = [tokens.create("ann", rights()), tokens.create("ci", rights(True, ["x"]), LONGEST)]
    listed = list(tokens.list())
    assert sorted(listed) == sorted(new.record for new in made)
    assert made[0].record.created == datetime(2027, 1, 15, 8, tzinfo=UTC)
    assert all(new.secret not in repr(listed) + repr(new) for new in made)


def test_expiry(tokens: Tokens) -> None:
    """A token without a lifetime does not end; another one ends to the second."""
    assert not tokens.create("ci", rights()).record.expired(10**12)
    hour = tokens.create("ci", rights(), timedelta(hours=1)).record
    assert not hour.expired(NOW + 3599.9)
    assert hour.expired(NOW + 3600)


def test_finding_and_revoking(tokens: Tokens) -> None:
    """A token is found by its secret and revoked by its id, or by the whole of it; then it is gone."""
    first, second = tokens.create("ann", rights()), tokens.create("ann", rights())
    assert tokens.find(_held(first)) == first.record
    assert tokens.find(ApiToken(first.record.id, second.secret)) is None
    assert tokens.revoke(first.record.id)
    assert not tokens.revoke(first.record.id)
    assert tokens.find(_held(first)) is None
    assert tokens.revoke(second.secret)
    assert list(tokens.list()) == []


def test_revoking_all_of_an_owner(tokens: Tokens) -> None:
    """Whoever leaves loses every token, and nobody else does."""
    for owner in ("ann", "bob", "ann"):
        tokens.create(owner, rights())
    assert tokens.revoke_owned("ann") == 2
    assert [token.owner for token in tokens.list()] == ["bob"]


@pytest.mark.parametrize(
    ("owner", "lifetime", "description"),
    [
        ("", None, ""),
        ("x" * 256, None, ""),
        ("a\nb", None, ""),
        ("ci", timedelta(0), ""),
        ("ci", timedelta(seconds=-1), ""),
        ("ci", LONGEST + timedelta(seconds=1), ""),
        ("ci", None, "x" * 256),
        ("ci", None, "a\0b"),
    ],
)
def test_tokens_that_cannot_be(
    store: Store, tokens: Tokens, owner: str, lifetime: timedelta | None, description: str
) -> None:
    """A token that could not be shown, or that lives for no or too long a time, is not made."""
    with pytest.raises(InvalidToken):
        tokens.create(owner, rights(), lifetime, description)
    assert list(store.list(keys.TOKENS)) == []


def test_a_wrong_id_is_not_shown(tokens: Tokens) -> None:
    """What is no id may be most of a secret, so the error does not repeat it."""
    secret = make_token().text[:-1]
    with pytest.raises(InvalidToken) as refused:
        tokens.revoke(secret)
    assert secret not in str(refused.value)


@pytest.mark.parametrize("record", [b"", b"[]", b"{}", b'{"id": 1}', b'{"id": "x", "owner": "y"}'])
def test_a_damaged_record_lets_nobody_in(store: Store, tokens: Tokens, record: bytes) -> None:
    """A record that cannot be read is an error of the store, not a missing token."""
    held = make_token()
    store.put(keys.token(held.id), record)
    with pytest.raises(StorageError):
        tokens.find(held)


def test_last_use(store: Store, tokens: Tokens) -> None:
    """The day of the last use is kept apart from the record, and goes with it."""
    made = tokens.create("ci", rights())
    uses = LastUse(store, lambda: NOW)
    assert uses.read(made.record.id) is None
    uses.write(made.record.id)
    assert uses.read(made.record.id) == "2027-01-15"
    written = store.get(keys.token_use(made.record.id)).etag
    LastUse(store, lambda: NOW + 3600).write(made.record.id)
    assert store.get(keys.token_use(made.record.id)).etag == written
    LastUse(store, lambda: NOW + 86_400).write(made.record.id)
    assert uses.read(made.record.id) == "2027-01-16"
    tokens.revoke(made.record.id)
    assert uses.read(made.record.id) is None


def _held(new: NewToken) -> ApiToken:
    held = parse_token(new.secret)
    assert held is not None
    return held
