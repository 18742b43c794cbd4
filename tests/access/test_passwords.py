"""Password hashes."""

import passlib.hash
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from passlib.hash import pbkdf2_sha512

from wheelyard.access.foreign import SCHEMES, check_foreign
from wheelyard.access.passwords import (
    MOST_ROUNDS,
    check_hash,
    hash_password,
    make_password,
    outdated,
    verify,
)
from wheelyard.errors import InvalidUser, StorageError

BCRYPT = passlib.hash.bcrypt.using(rounds=4, salt="abcdefghijklmnopqrstuu").hash("geheim")
PASSWORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@given(PASSWORDS, PASSWORDS)
@settings(max_examples=20)
def test_passlib_and_the_request_path_agree(password: str, other: str) -> None:
    """A hash that passlib made is verified, and another password is not."""
    stored = pbkdf2_sha512.using(rounds=10).hash(password)
    assert verify(password, stored)
    assert verify(other, stored) == (other == password)


def test_a_stored_hash_is_one_that_passlib_reads() -> None:
    """What is stored is in passlib's format, with a salt of its own."""
    first, second = hash_password("secret", rounds=10), hash_password("secret", rounds=10)
    assert first != second
    assert pbkdf2_sha512.verify("secret", first)


def test_nobody_is_never_right() -> None:
    """No password is right for a user who does not exist."""
    assert not verify("", None)
    assert not verify("anything", None)


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "plain",
        "$pbkdf2-sha512$x$AA$AA",
        "$pbkdf2-sha512$10$!!$AA",
        "$2b$12$abcdefgh",
        "$1$2$3",
        "$pbkdf2-sha512$0$AA$AA",
    ],
)
def test_a_damaged_hash_lets_nobody_in(stored: str) -> None:
    """A record that cannot be read is an error of the store, and its content is not shown."""
    with pytest.raises(StorageError) as caught:
        verify("secret", stored)
    assert not stored or stored not in str(caught.value)


def test_random_passwords_differ_and_need_no_escaping() -> None:
    """A generated password can stand in a URL as it is."""
    made = {make_password(24) for _ in range(50)}
    assert len(made) == 50
    assert all(password.isalnum() and len(password) == 24 for password in made)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_hashes_of_other_schemes(scheme: str) -> None:
    """Hashes that come with imported users are verified as passlib does, and are due for a new one."""
    stored = _hashed(scheme)
    check_foreign(stored)
    assert verify("geheim", stored)
    assert not verify("Geheim", stored)
    assert outdated(stored, 1000)


@pytest.mark.parametrize("password", ["a\0b", "x" * 100, "x" * 5000])
@pytest.mark.parametrize("scheme", SCHEMES)
def test_passwords_that_a_scheme_cannot_take(scheme: str, password: str) -> None:
    """They are wrong like any other, so that nobody learns by them that there is such a user."""
    assert not verify(password, _hashed(scheme))


@pytest.mark.parametrize(
    "stored",
    ["geheim", "{PLAIN}geheim", "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$AAAA", "$9$x", "!"],
)
def test_hashes_that_cannot_be_verified(stored: str) -> None:
    """What cannot be verified is refused when it is imported, without being shown."""
    with pytest.raises(InvalidUser) as refused:
        check_foreign(stored)
    assert stored not in str(refused.value)


@pytest.mark.parametrize(
    "stored",
    [
        hash_password("geheim", rounds=10),
        hash_password("geheim", rounds=25_000),
        f"$pbkdf2-sha512${MOST_ROUNDS}${'A' * 22}${'A' * 86}",
        BCRYPT,
    ],
    ids=lambda stored: stored[:17],
)
def test_hashes_that_can_be_taken_in(stored: str) -> None:
    """What a sign-in can verify in its time is a hash."""
    check_hash(stored)


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "geheim",
        "$pbkdf2-sha512$25000$salt",
        "$pbkdf2-sha512$25000$!!$" + "A" * 86,
        "$pbkdf2-sha512$25000$AA$" + "A" * 43,
        "$pbkdf2-sha512$0$AA$" + "A" * 86,
        "$pbkdf2-sha512$-1$AA$" + "A" * 86,
        "$pbkdf2-sha512$1e3$AA$" + "A" * 86,
        f"$pbkdf2-sha512${MOST_ROUNDS + 1}$AA$" + "A" * 86,
        "$pbkdf2-sha512$" + "9" * 5000 + "$AA$" + "A" * 86,
        BCRYPT.replace("$04$", "$31$"),
        "$6$rounds=999999999$saltsalt$" + "a" * 86,
        "$pbkdf2-sha256$999999999$" + "A" * 22 + "$" + "A" * 43,
    ],
    ids=lambda stored: stored[:24],
)
def test_hashes_that_nobody_could_sign_in_with(stored: str) -> None:
    """Neither a hash that cannot be read nor one that takes for ever is taken in, or shown."""
    with pytest.raises(InvalidUser) as refused:
        check_hash(stored)
    assert not stored or stored not in str(refused.value)


def test_outdated() -> None:
    """A hash is due when it has fewer rounds than set, and not when it has more."""
    stored = hash_password("geheim", rounds=2000)
    assert outdated(stored, 2001)
    assert not outdated(stored, 2000)
    assert not outdated(stored, 1000)


def _hashed(scheme: str) -> str:
    handler = getattr(passlib.hash, scheme)
    cheap: dict[str, dict[str, object]] = {
        "bcrypt": {"rounds": 4, "ident": "2y"},  # as of htpasswd -B
        "sha512_crypt": {"rounds": 1000},
        "sha256_crypt": {"rounds": 1000},
        "pbkdf2_sha256": {"rounds": 10},
        "pbkdf2_sha1": {"rounds": 10},
    }
    return str(handler.using(**cheap.get(scheme, {})).hash("geheim"))
