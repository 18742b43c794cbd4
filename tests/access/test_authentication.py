"""Who is asking."""

import time
from datetime import timedelta
from threading import Thread

import pytest
from obstore.store import MemoryStore

from indexes import basic
from wheelyard.access import authentication, passwords
from wheelyard.access.authentication import RECHECK_AFTER, Authenticator, Clock
from wheelyard.access.principal import Principal
from wheelyard.access.rights import rights
from wheelyard.access.tokens import Tokens
from wheelyard.access.users import Users
from wheelyard.errors import InvalidUser, StorageError, Unauthenticated
from wheelyard.storage import keys
from wheelyard.storage.objects import ObjectStore
from wheelyard.storage.store import Store


class Hands:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store() -> Store:
    """An empty store."""
    return ObjectStore(MemoryStore())


@pytest.fixture
def hands() -> Hands:
    """A clock of the test's own."""
    return Hands()


@pytest.fixture
def clock(hands: Hands) -> Clock:
    """The clock, as the authenticator reads it."""
    return Clock(hands, hands)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that were hashed, in order."""
    hashed: list[str] = []

    def counting(password: str, stored: str | None, rounds: int) -> bool:
        hashed.append(password)
        return passwords.verify(password, stored, rounds)

    monkeypatch.setattr(authentication, "verify", counting)
    return hashed


def test_the_right_password(store: Store, clock: Clock) -> None:
    """A user is known by name and password, with the stored role."""
    Users(store).put("ann", "geheim")
    Users(store).put("bob", "pass:word é", upload=True)
    identify = Authenticator(store, clock).identify
    assert identify(basic("ann", "geheim")) == Principal("ann", rights())
    assert identify(basic("bob", "pass:word é")) == Principal("bob", rights(upload=True))


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Basic",
        "Basic !!!",
        "Basic bm9jb2xvbg==",
        "Bearer abc",
        "Digest username=ann",
        "Basic " + "A" * 20_000,
        basic("ann", "wrong"),
        basic("ann", ""),
        basic("", "geheim"),
        basic("Ann", "geheim"),
        basic("nobody", "geheim"),
    ],
)
def test_everything_else_is_refused_alike(store: Store, clock: Clock, header: str | None) -> None:
    """Whatever is wrong, the refusal is the same."""
    Users(store).put("ann", "geheim")
    with pytest.raises(Unauthenticated) as caught:
        Authenticator(store, clock).identify(header)
    assert str(caught.value) == (
        "This index needs a user name and a password, and these were missing or wrong"
    )


def test_latin_1_credentials(store: Store, clock: Clock) -> None:
    """Clients from before RFC 7617 send the password in Latin-1, and are understood."""
    Users(store).put("ann", "café")
    header = "Basic YW5uOmNhZuk="
    assert Authenticator(store, clock).identify(header).username == "ann"


def test_one_hash_a_process_and_password(
    store: Store, clock: Clock, hands: Hands, hashed: list[str]
) -> None:
    """The slow hash is computed once, also when many connections begin at the same moment."""
    Users(store).put("ann", "geheim")
    authenticator = Authenticator(store, clock)
    threads = [
        Thread(target=authenticator.identify, args=[basic("ann", "geheim")]) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    hands.now += RECHECK_AFTER + 1
    authenticator.identify(basic("ann", "geheim"))
    assert hashed == ["geheim"]


def test_unknown_users_cost_a_hash_too(store: Store, clock: Clock, hashed: list[str]) -> None:
    """An unknown user name takes the same work as a wrong password."""
    Users(store).put("ann", "geheim")
    authenticator = Authenticator(store, clock)
    for username in ("ann", "nobody"):
        with pytest.raises(Unauthenticated):
            authenticator.identify(basic(username, "wrong"))
    assert hashed == ["wrong", "wrong"]


def test_changes_are_seen_within_half_a_minute(store: Store, clock: Clock, hands: Hands) -> None:
    """A new role, a new password and a removal hold as soon as the verification is looked at again."""
    users = Users(store)
    users.put("ann", "geheim")
    identify = Authenticator(store, clock).identify
    assert not identify(basic("ann", "geheim")).rights.upload
    users.put("ann", "geheim", upload=True)
    hands.now += RECHECK_AFTER
    assert identify(basic("ann", "geheim")).rights.upload
    users.put("ann", "neu")
    hands.now += RECHECK_AFTER
    with pytest.raises(Unauthenticated):
        identify(basic("ann", "geheim"))
    assert identify(basic("ann", "neu")).username == "ann"
    assert users.remove("ann")
    hands.now += RECHECK_AFTER
    with pytest.raises(Unauthenticated):
        identify(basic("ann", "neu"))
    assert not users.remove("ann")


def test_records_of_other_tools(store: Store, clock: Clock) -> None:
    """A record with no more than a hash is a reader; one with upload may upload."""
    Users(store).put("ann", "geheim")
    stored = next(Users(store).list()).hash
    store.put(keys.user("bob"), b'{"hash": "%s"}' % stored.encode())
    assert Authenticator(store, clock).identify(basic("bob", "geheim")) == Principal("bob")


@pytest.mark.parametrize(
    "record",
    [
        b"",
        b"[]",
        b"{}",
        b'{"hash": 1}',
        b'{"hash": "plain"}',
        b'{"hash": "plain", "upload": "yes"}',
        b'{"hash": "plain", "upload": [1]}',
        b'{"hash": "plain", "read": "acme-*"}',
        b'{"hash": "plain", "read": ["-"]}',
    ],
)
def test_a_damaged_record_is_no_missing_user(store: Store, clock: Clock, record: bytes) -> None:
    """A record that cannot be read is an error of the store, and lets nobody in."""
    store.put(keys.user("ann"), record)
    with pytest.raises(StorageError, match=keys.USERS):
        Authenticator(store, clock).identify(basic("ann", "geheim"))


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("", "geheim"),
        ("a:b", "geheim"),
        ("a\nb", "geheim"),
        ("x" * 256, "geheim"),
        ("__token__", "geheim"),
        ("ann", ""),
        ("ann", "a\0b"),
    ],
)
def test_what_cannot_be_sent_cannot_be_stored(store: Store, username: str, password: str) -> None:
    """User names and passwords that no client could send are refused, without showing a password."""
    with pytest.raises(InvalidUser) as caught:
        Users(store).put(username, password)
    assert "geheim" not in str(caught.value)


def test_secrets_are_not_in_representations(store: Store) -> None:
    """A user's representation, as a log might show it, is without the hash."""
    Users(store).put("ann", "geheim")
    assert repr(next(Users(store).list())) == "<User 'ann': read>"


# --- tokens ---


@pytest.mark.parametrize("username", ["__token__", "ann", "", "anything at all"])
def test_a_token_as_the_password(store: Store, clock: Clock, hands: Hands, username: str) -> None:
    """A token is good with any user name, and stands for its owner with its own rights."""
    Users(store).put("ann", "geheim", upload=True)
    made = Tokens(store, hands).create("ann", rights(read=["acme-*"]))
    found = Authenticator(store, clock).identify(basic(username, made.secret))
    assert found == Principal("ann", rights(read=["acme-*"]), made.record.id)


def test_a_token_costs_no_slow_hash(
    store: Store, clock: Clock, hands: Hands, hashed: list[str]
) -> None:
    """Neither a right token nor an unknown one is hashed as a password is."""
    made = Tokens(store, hands).create("ci", rights())
    authenticator = Authenticator(store, clock)
    authenticator.identify(basic("__token__", made.secret))
    Tokens(store, hands).revoke(made.record.id)
    hands.now += RECHECK_AFTER
    with pytest.raises(Unauthenticated):
        authenticator.identify(basic("__token__", made.secret))
    assert hashed == []


def test_a_revoked_token_ends_within_half_a_minute(
    store: Store, clock: Clock, hands: Hands
) -> None:
    """Revoking needs no restart."""
    tokens = Tokens(store, hands)
    made = tokens.create("ci", rights())
    identify = Authenticator(store, clock).identify
    assert identify(basic("__token__", made.secret)).username == "ci"
    assert tokens.revoke(made.record.id)
    hands.now += RECHECK_AFTER
    with pytest.raises(Unauthenticated):
        identify(basic("__token__", made.secret))


def test_a_token_ends_at_the_second(store: Store, clock: Clock, hands: Hands) -> None:
    """An expired token is refused at once, in processes too that believed it a moment before."""
    made = Tokens(store, hands).create("ci", rights(), timedelta(seconds=10))
    identify = Authenticator(store, clock).identify
    hands.now += 9
    assert identify(basic("__token__", made.secret)).username == "ci"
    hands.now += 1
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            identify(basic("__token__", made.secret))


def test_another_secret_under_the_same_id(store: Store, clock: Clock, hands: Hands) -> None:
    """The id alone opens nothing: the digest of the whole token must be right."""
    tokens = Tokens(store, hands)
    first, second = tokens.create("ann", rights()), tokens.create("bob", rights())
    key, other = keys.token(first.record.id), keys.token(second.record.id)
    store.put(key, store.get(other).body)
    with pytest.raises(Unauthenticated) as caught:
        Authenticator(store, clock).identify(basic("__token__", first.secret))
    assert caught.value.reason == "unknown token"


def test_the_day_of_use_is_noted_once(store: Store, clock: Clock, hands: Hands) -> None:
    """Using a token notes the day, once a day however often it is used."""
    made = Tokens(store, hands).create("ci", rights())
    authenticator = Authenticator(store, clock)
    key = keys.token_use(made.record.id)
    authenticator.identify(basic("__token__", made.secret))
    first = _appeared(store, key, "")
    hands.now += 3600
    for _ in range(3):
        authenticator.identify(basic("__token__", made.secret))
    assert store.get(key).etag == first
    hands.now += 86_400
    authenticator.identify(basic("__token__", made.secret))
    _appeared(store, key, first)


def test_a_day_that_cannot_be_noted_hinders_nobody(
    store: Store, clock: Clock, hands: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token is good although the day of its use cannot be written."""
    made = Tokens(store, hands).create("ci", rights())

    def refuse(key: str, body: bytes) -> str:
        raise StorageError(f"may not write {key!r}")

    monkeypatch.setattr(store, "create", refuse)
    assert Authenticator(store, clock).identify(basic("__token__", made.secret)).username == "ci"


def _appeared(store: Store, key: str, etag: str) -> str:
    """The tag of the object once it is another one than ``etag``; it is written in the background."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for entry in store.list(keys.LAST_USES):
            if entry.key == key and store.get(key).etag != etag:
                return store.get(key).etag
        time.sleep(0.005)
    raise AssertionError(f"{key} was not written")


# --- why somebody was refused: for the log ---


def test_the_reason_is_known_but_not_told(store: Store, clock: Clock, hands: Hands) -> None:
    """A refusal carries its reason, and of the user name only one that exists."""
    Users(store).put("ann", "geheim")
    tokens = Tokens(store, hands)
    expired = tokens.create("ci", rights(), timedelta(seconds=1)).secret
    revoked = tokens.create("ci", rights())
    tokens.revoke(revoked.record.id)
    hands.now += 1
    authenticator = Authenticator(store, clock)
    cases = [
        (None, "", ""),
        ("Bearer x", "not HTTP Basic", ""),
        (basic("ann", "wrong"), "wrong password", "ann"),
        (basic("my-password", "wrong"), "unknown user", ""),
        (basic("__token__", "not-a-token"), "unknown user", ""),
        (basic("__token__", revoked.secret), "unknown token", ""),
        (basic("__token__", expired), "expired token", ""),
    ]
    for header, reason, username in cases:
        with pytest.raises(Unauthenticated) as caught:
            authenticator.identify(header)
        assert (caught.value.reason, caught.value.username) == (reason, username)
        assert reason not in str(caught.value) or not reason


# --- old hashes ---


def test_a_cheap_hash_is_made_anew_on_use(store: Store, clock: Clock) -> None:
    """Where records can be written, a hash with fewer rounds than set is replaced when it is used."""
    Users(store, rounds=1000).put("ann", "geheim", upload=True)
    authenticator = Authenticator(store, clock, rounds=2000, rehashes=True)
    assert authenticator.identify(basic("ann", "geheim")).rights.upload
    (user,) = Users(store).list()
    assert user.hash.startswith("$pbkdf2-sha512$2000$")
    assert (user.name, user.rights) == ("ann", rights(upload=True))
    before = store.get(keys.user("ann")).etag
    Authenticator(store, clock, rounds=2000, rehashes=True).identify(basic("ann", "geheim"))
    assert store.get(keys.user("ann")).etag == before


def test_a_wrong_password_changes_nothing(store: Store, clock: Clock) -> None:
    """Only the right password makes a new hash."""
    Users(store, rounds=1000).put("ann", "geheim")
    with pytest.raises(Unauthenticated):
        Authenticator(store, clock, rounds=2000, rehashes=True).identify(basic("ann", "wrong"))
    assert next(Users(store).list()).hash.startswith("$pbkdf2-sha512$1000$")


def test_readers_functions_leave_hashes_alone(store: Store, clock: Clock) -> None:
    """Without the permission to write user records, old hashes are verified and stay."""
    Users(store, rounds=1000).put("ann", "geheim")
    identify = Authenticator(store, clock, rounds=2000).identify
    assert identify(basic("ann", "geheim")).username == "ann"
    assert next(Users(store).list()).hash.startswith("$pbkdf2-sha512$1000$")


def test_an_imported_hash_becomes_our_own(store: Store, clock: Clock) -> None:
    """A hash of another scheme is replaced by one of ours, with everything else in its record kept."""
    store.put(
        keys.user("ann"), b'{"hash": "{SHA}kGByAB793z4R5tK1eC9Hd/4Dhzk=", "note": "from htpasswd"}'
    )
    identify = Authenticator(store, clock, rounds=1000, rehashes=True).identify
    assert identify(basic("ann", "geheim")).username == "ann"
    body = store.get(keys.user("ann")).body
    assert b"$pbkdf2-sha512$1000$" in body
    assert b"from htpasswd" in body
