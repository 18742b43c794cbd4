"""Who is asking."""

from threading import Thread

import pytest
from obstore.store import MemoryStore

from indexes import basic
from wheelyard.access import authentication, passwords
from wheelyard.access.authentication import RECHECK_AFTER, Authenticator
from wheelyard.access.users import Users
from wheelyard.errors import Forbidden, InvalidUser, StorageError, Unauthenticated
from wheelyard.storage import keys
from wheelyard.storage.objects import ObjectStore
from wheelyard.storage.store import Store


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store() -> Store:
    """An empty store."""
    return ObjectStore(MemoryStore())


@pytest.fixture
def clock() -> Clock:
    """A clock of the test's own."""
    return Clock()


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that were hashed, in order."""
    hashed: list[str] = []

    def counting(password: str, stored: str | None) -> bool:
        hashed.append(password)
        return passwords.verify(password, stored)

    monkeypatch.setattr(authentication, "verify", counting)
    return hashed


def test_the_right_password(store: Store, clock: Clock) -> None:
    """A user is known by name and password, with the stored role."""
    Users(store).put("ann", "geheim")
    Users(store).put("bob", "pass:word é", upload=True)
    identify = Authenticator(store, clock).identify
    assert identify(basic("ann", "geheim")) == ("ann", False)
    assert identify(basic("bob", "pass:word é")) == ("bob", True)


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


def test_one_hash_a_process_and_password(store: Store, clock: Clock, hashed: list[str]) -> None:
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
    clock.now += RECHECK_AFTER + 1
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


def test_changes_are_seen_within_half_a_minute(store: Store, clock: Clock) -> None:
    """A new role, a new password and a removal hold as soon as the verification is looked at again."""
    users = Users(store)
    users.put("ann", "geheim")
    identify = Authenticator(store, clock).identify
    assert not identify(basic("ann", "geheim")).upload
    users.put("ann", "geheim", upload=True)
    clock.now += RECHECK_AFTER
    assert identify(basic("ann", "geheim")).upload
    users.put("ann", "neu")
    clock.now += RECHECK_AFTER
    with pytest.raises(Unauthenticated):
        identify(basic("ann", "geheim"))
    assert identify(basic("ann", "neu")).username == "ann"
    assert users.remove("ann")
    clock.now += RECHECK_AFTER
    with pytest.raises(Unauthenticated):
        identify(basic("ann", "neu"))
    assert not users.remove("ann")


def test_records_of_other_tools(store: Store, clock: Clock) -> None:
    """A record with no more than a hash is a reader; one with upload may upload."""
    Users(store).put("ann", "geheim")
    stored = next(Users(store).list()).hash
    store.put(keys.user("bob"), b'{"hash": "%s"}' % stored.encode())
    assert Authenticator(store, clock).identify(basic("bob", "geheim")) == ("bob", False)


@pytest.mark.parametrize("record", [b"", b"[]", b"{}", b'{"hash": 1}', b'{"hash": "plain"}'])
def test_a_damaged_record_is_no_missing_user(store: Store, clock: Clock, record: bytes) -> None:
    """A record that cannot be read is an error of the store, and lets nobody in."""
    store.put(keys.user("ann"), record)
    with pytest.raises(StorageError):
        Authenticator(store, clock).identify(basic("ann", "geheim"))


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("", "geheim"),
        ("a:b", "geheim"),
        ("a\nb", "geheim"),
        ("x" * 256, "geheim"),
        ("ann", ""),
        ("ann", "a\0b"),
    ],
)
def test_what_cannot_be_sent_cannot_be_stored(store: Store, username: str, password: str) -> None:
    """User names and passwords that no client could send are refused, without showing a password."""
    with pytest.raises(InvalidUser) as caught:
        Users(store).put(username, password)
    assert "geheim" not in str(caught.value)


def test_uploading_is_a_role(store: Store, clock: Clock) -> None:
    """A reader is told which role is missing."""
    Users(store).put("ann", "geheim")
    with pytest.raises(Forbidden, match="'ann' may read but not upload"):
        Authenticator(store, clock).identify(basic("ann", "geheim")).require_upload()


def test_secrets_are_not_in_representations(store: Store) -> None:
    """A user's representation, as a log might show it, is without the hash."""
    Users(store).put("ann", "geheim")
    assert repr(next(Users(store).list())) == "<User 'ann' upload=False>"
