"""Trusted publishing: who is trusted, and every way in which an identity token can be wrong."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from obstore.store import MemoryStore

from issuers import AUDIENCE, REPOSITORY, Issuer, SigningKey
from wheelyard.access.issuers import LIFETIME, PATIENCE, SigningKeys
from wheelyard.access.minting import Mint
from wheelyard.access.projects import project_set
from wheelyard.access.publishers import GITHUB, GITLAB, TrustedPublishers
from wheelyard.access.rights import Rights, rights
from wheelyard.access.tokens import Tokens
from wheelyard.errors import InvalidIdentity, InvalidPublisher, IssuerUnavailable, StorageError
from wheelyard.storage import keys
from wheelyard.storage.objects import ObjectStore
from wheelyard.storage.store import Entry, Store

RELEASE = {"repository": REPOSITORY, "workflow": "release.yml", "environment": "release"}


class Elapsed:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def issuer() -> Issuer:
    """A provider."""
    return Issuer()


@pytest.fixture
def store(issuer: Issuer) -> Store:
    """A store that trusts the release workflow of one repository."""
    made = ObjectStore(MemoryStore())
    TrustedPublishers(made).add("github", RELEASE, ["acme-tools", "acme-x*"], issuer.url)
    return made


@pytest.fixture
def mint(store: Store, issuer: Issuer) -> Mint:
    """The mint of the store."""
    return Mint(store, SigningKeys(Elapsed(), issuer.fetch), AUDIENCE, time.time)


def test_a_good_identity(mint: Mint, store: Store, issuer: Issuer) -> None:
    """The release workflow gets a token for its projects alone, for a quarter of an hour."""
    made = mint.exchange(issuer.token()).record
    assert made.rights == Rights(*[project_set(["acme-tools", "acme-x*"])] * 2)
    assert made.owner == f"github:{REPOSITORY}"
    assert made.expires is not None
    assert made.expires - made.created == timedelta(minutes=15)
    assert made.publisher == {
        "kind": "GitHub",
        "repository": REPOSITORY,
        "workflow": "release.yml",
        "environment": "release",
    }
    assert list(Tokens(store, time.time).list()) == [made]


def test_several_publishers(mint: Mint, store: Store, issuer: Issuer) -> None:
    """Who is several trusted publishers may upload the projects of all of them, and of no others."""
    publishers = TrustedPublishers(store)
    publishers.add("oidc", {"repository_owner_id": "4711"}, ["shared"], issuer.url)
    publishers.add("oidc", {"repository_owner_id": "4712"}, ["foreign"], issuer.url)
    publishers.add("github", RELEASE, ["elsewhere"], "https://other.example")
    made = mint.exchange(issuer.token()).record
    assert sorted(made.rights.uploads.patterns) == ["acme-tools", "acme-x*", "shared"]


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "ES384", "EdDSA"])
def test_algorithms(store: Store, algorithm: str) -> None:
    """Identities signed by RSA, elliptic curves and Edwards curves are verified."""
    issuer = Issuer(algorithm=algorithm)
    mint = Mint(store, SigningKeys(Elapsed(), issuer.fetch), AUDIENCE, time.time)
    assert mint.exchange(issuer.token()).record.owner == f"github:{REPOSITORY}"


# --- what is wrong with an identity token ---


def _none(issuer: Issuer) -> str:
    return f"{_encoded({'alg': 'none', 'kid': issuer.key.kid})}.{_encoded(issuer.claims())}."


def _shared_secret(issuer: Issuer) -> str:
    """The public key used as the secret of an HMAC, which careless verifiers take for a signature."""
    header = _encoded({"alg": "HS256", "typ": "JWT", "kid": issuer.key.kid})
    signed = f"{header}.{_encoded(issuer.claims())}"
    secret = json.dumps(issuer.key.public).encode()
    mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def _forged(issuer: Issuer) -> str:
    return issuer.sign(issuer.claims(), SigningKey(issuer.key.kid))


def _changed(issuer: Issuer) -> str:
    head, _, signature = issuer.token(repository="stranger/tools").split(".")
    return f"{head}.{_encoded(issuer.claims())}.{signature}"


def _other_algorithm(issuer: Issuer) -> str:
    return jwt.encode(issuer.claims(), issuer.key.private, "PS256", {"kid": issuer.key.kid})


_encoded = SigningKey.encoded


def _with(**changes: object) -> Callable[[Issuer], str]:
    return lambda issuer: issuer.token(**changes)


def _at(**seconds: int) -> Callable[[Issuer], str]:
    """A token with times that many seconds from now."""
    return lambda issuer: issuer.token(
        **{claim: int(time.time()) + shift for claim, shift in seconds.items()}
    )


WRONG: dict[str, tuple[Callable[[Issuer], str], str, str]] = {
    "no token": (lambda _: "not a token", "malformed-token", "is not a JSON Web Token"),
    "empty": (lambda _: "..", "malformed-token", "is not a JSON Web Token"),
    "a list": (lambda _: f"{_encoded([])}.{_encoded([])}.", "malformed-token", "not a JSON Web"),
    "half a character": (lambda _: "\ud800", "malformed-token", "is not a JSON Web Token"),
    "an issuer of half a character": (
        _with(iss="\ud800"),
        "malformed-token",
        "does not say who issued it",
    ),
    "huge": (lambda i: i.token(padding="x" * 20_000), "malformed-token", "more than 16384"),
    "alg none": (_none, "invalid-algorithm", "'none', which is not accepted"),
    "a shared secret": (_shared_secret, "invalid-algorithm", "'HS256', which is not accepted"),
    "a forged signature": (_forged, "invalid-signature", "signature of the identity token is wrong"),
    "changed claims": (_changed, "invalid-signature", "signature of the identity token is wrong"),
    "another algorithm": (_other_algorithm, "invalid-algorithm", "the key is not for the algorithm"),
    "an unknown key": (
        lambda i: i.sign(i.claims(), SigningKey("second")), "unknown-key", "does not have",
    ),
    "another audience": (_with(aud="pypi"), "invalid-audience", "for 'wheelyard'"),
    "no audience": (_with(aud=None), "missing-claim", "no claim 'aud'"),
    "expired": (_at(exp=-61), "expired-token", "has expired"),
    "never expiring": (_with(exp=None), "missing-claim", "no claim 'exp'"),
    "not yet valid": (_at(nbf=90), "immature-token", "not valid yet"),
    "of the future": (_at(iat=90), "immature-token", "not valid yet"),
    "without a time": (_with(iat=None), "missing-claim", "no claim 'iat'"),
    "very old": (_at(iat=-90_000, exp=90_000), "expired-token", "older than a day"),
    "a time in words": (_with(iat="now"), "malformed-token", "a claim that cannot be read"),
    "no issuer": (_with(iss=None), "malformed-token", "does not say who issued it"),
    "an unknown issuer": (
        _with(iss="https://evil.example"), "unknown-issuer", "issuer 'https://evil.example'",
    ),
    "a foreign repository": (
        _with(repository="stranger/tools"), "invalid-publisher", "repository 'stranger/tools'",
    ),
    "a foreign workflow": (
        _with(job_workflow_ref="stranger/ci/.github/workflows/release.yml@main"),
        "invalid-publisher",
        "is no trusted publisher's",
    ),
    "another workflow": (
        _with(job_workflow_ref=f"{REPOSITORY}/.github/workflows/test.yml@main"),
        "invalid-publisher",
        "is no trusted publisher's",
    ),
    "no environment": (_with(environment=None), "invalid-publisher", "is no trusted publisher's"),
    "a list for a name": (_with(repository=[REPOSITORY]), "invalid-publisher", "no trusted"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_wrong_identities(mint: Mint, store: Store, issuer: Issuer, case: str) -> None:
    """Each wrong identity token is refused with a code and a message that say what is wrong."""
    make, code, message = WRONG[case]
    with pytest.raises(InvalidIdentity) as refused:
        mint.exchange(make(issuer))
    assert refused.value.code == code
    assert message in str(refused.value)
    assert list(store.list(keys.TOKENS)) == []


def test_clocks_may_differ(mint: Mint, issuer: Issuer) -> None:
    """A minute between the clocks is forgiven, in either direction."""
    for make in (_at(exp=-30), _at(nbf=30), _at(iat=30)):
        assert mint.exchange(make(issuer)).secret


def test_a_replay(mint: Mint, store: Store, issuer: Issuer) -> None:
    """An identity token is good for one upload token, also where it is used again at another process."""
    text = issuer.token(jti="used")
    first = mint.exchange(text).record
    other = Mint(store, SigningKeys(Elapsed(), issuer.fetch), AUDIENCE, time.time)
    for again in (mint, other):
        with pytest.raises(InvalidIdentity, match="was used before") as refused:
            again.exchange(text)
        assert refused.value.code == "reused-token"
    with pytest.raises(InvalidIdentity, match="was used before"):
        mint.exchange(issuer.token(jti="used"))
    assert list(Tokens(store, time.time).list()) == [first]


def test_issuers_without_a_token_id(mint: Mint, issuer: Issuer) -> None:
    """Where the provider gives tokens no id, what it signed is the id."""
    text = issuer.token(jti=None)
    assert mint.exchange(text).secret
    with pytest.raises(InvalidIdentity, match="was used before"):
        mint.exchange(text)
    assert mint.exchange(issuer.token(jti=None, ref="refs/tags/v2")).secret


def test_used_identities_are_forgotten(store: Store, issuer: Issuer) -> None:
    """What is too old to be used again is swept, with the upload token that was made for it."""
    mint = Mint(store, SigningKeys(Elapsed(), issuer.fetch), AUDIENCE, time.time)
    for _ in range(3):
        mint.exchange(issuer.token())
    assert len(list(store.list(keys.IDENTITIES))) == 3
    listed = store.list

    def a_week_ago(prefix: str) -> list[Entry]:
        week = datetime.now(UTC) - timedelta(days=7)
        return [entry._replace(modified=week) for entry in listed(prefix)]

    store.list = a_week_ago  # type: ignore[method-assign, assignment]
    made = mint.exchange(issuer.token()).record
    assert len(list(listed(keys.IDENTITIES))) == 1
    assert list(Tokens(store, time.time).list()) == [made]


def test_burning(mint: Mint, store: Store, issuer: Issuer) -> None:
    """A minted token can be ended by whoever has it; other tokens cannot."""
    minted = mint.exchange(issuer.token(jti="used")).secret
    lasting = Tokens(store, time.time).create("ci", rights(upload=True))
    assert mint.burn(minted)
    assert not mint.burn(minted)
    assert not mint.burn(lasting.secret)
    assert not mint.burn("nonsense")
    assert list(Tokens(store, time.time).list()) == [lasting.record]
    with pytest.raises(InvalidIdentity, match="was used before"):
        mint.exchange(issuer.token(jti="used"))


# --- asking the provider ---


def test_keys_are_fetched_once(store: Store, issuer: Issuer) -> None:
    """A provider is asked for its keys once an hour, and at once for a key that is new."""
    elapsed = Elapsed()
    mint = Mint(store, SigningKeys(elapsed, issuer.fetch), AUDIENCE, time.time)
    issuer.asked.clear()
    for _ in range(3):
        mint.exchange(issuer.token())
    assert issuer.asked == [f"{issuer.url}/.well-known/openid-configuration", f"{issuer.url}/keys"]
    elapsed.now += LIFETIME
    mint.exchange(issuer.token())
    assert len(issuer.asked) == 4


def test_unknown_keys_ask_the_provider_once_a_minute(store: Store) -> None:
    """Tokens with made-up keys do not make the index ask the provider again and again."""
    issuer, elapsed = Issuer(), Elapsed()
    mint = Mint(store, SigningKeys(elapsed, issuer.fetch), AUDIENCE, time.time)
    mint.exchange(issuer.token())
    rotated = SigningKey("second")
    text = issuer.sign(issuer.claims(), rotated)
    for _ in range(5):
        with pytest.raises(InvalidIdentity, match="does not have"):
            mint.exchange(text)
    assert len(issuer.asked) == 2
    elapsed.now += PATIENCE
    issuer.key = rotated
    assert mint.exchange(text).secret
    assert len(issuer.asked) == 4


def test_unknown_issuers_are_not_asked(mint: Mint, issuer: Issuer) -> None:
    """Nobody but the registered providers is asked for anything."""
    issuer.asked.clear()
    for url in ("https://169.254.169.254", "http://localhost", "file:///etc/passwd", "", "x"):
        with pytest.raises(InvalidIdentity):
            mint.exchange(issuer.token(iss=url))
    assert issuer.asked == []


BROKEN: list[tuple[str, Any, str]] = [
    ("/.well-known/openid-configuration", [], "no JSON object"),
    ("/.well-known/openid-configuration", {}, "that of another issuer"),
    (
        "/.well-known/openid-configuration",
        {"issuer": "https://issuer.example", "jwks_uri": "http://issuer.example/keys"},
        "no https address",
    ),
    (
        "/.well-known/openid-configuration",
        {"issuer": "https://issuer.example/", "jwks_uri": "https://issuer.example/keys"},
        "that of another issuer",
    ),
    ("/keys", {"keys": 7}, "no key set"),
    ("/keys", "keys", "no JSON object"),
]


@pytest.mark.parametrize(("path", "document", "message"), BROKEN)
def test_broken_providers(
    store: Store, issuer: Issuer, path: str, document: object, message: str
) -> None:
    """A provider that answers wrongly is one that is not available, and is left alone for a minute."""
    asked: list[str] = []

    def fetch(url: str) -> bytes:
        asked.append(url)
        return json.dumps(document).encode() if url.endswith(path) else issuer.fetch(url)

    mint = Mint(store, SigningKeys(Elapsed(), fetch), AUDIENCE, time.time)
    for _ in range(3):
        with pytest.raises(IssuerUnavailable, match=message):
            mint.exchange(issuer.token())
    assert len(asked) <= 2
    assert list(store.list(keys.TOKENS)) == []


def test_keys_that_are_no_signing_keys(store: Store) -> None:
    """Keys for encryption, shared secrets and short keys verify nothing."""
    issuer = Issuer()
    public = issuer.key.public
    secret = {"kty": "oct", "k": "AAAA", "kid": "first", "alg": "RS256"}
    for key in (public | {"use": "enc"}, secret, {"kid": "first"}, {"kid": "first", "kty": "RSA"}):
        documents = issuer.documents | {"/keys": {"keys": [key]}}

        def fetch(url: str, documents: dict[str, object] = documents) -> bytes:
            return json.dumps(documents[url.removeprefix(issuer.url)]).encode()

        mint = Mint(store, SigningKeys(Elapsed(), fetch), AUDIENCE, time.time)
        with pytest.raises(InvalidIdentity) as refused:
            mint.exchange(issuer.token())
        assert refused.value.code == "unknown-key"


# --- the records ---


@pytest.mark.parametrize(
    ("kind", "wanted", "claims", "matches"),
    [
        ("github", {"repository": "Acme/Tools"}, {"repository": "acme/tools"}, True),
        ("github", {"repository": "a/b", "repository_owner_id": "7"}, {"repository": "a/b"}, False),
        (
            "github",
            {"repository": "a/b", "repository_owner_id": "7"},
            {"repository": "a/b", "repository_owner_id": 7},
            True,
        ),
        (  # the name was taken over by somebody else
            "github",
            {"repository": "a/b", "repository_owner_id": "7", "repository_id": "70"},
            {"repository": "a/b", "repository_owner_id": "8", "repository_id": "81"},
            False,
        ),
        (  # the repository was deleted and made anew
            "github",
            {"repository": "a/b", "repository_owner_id": "7", "repository_id": "70"},
            {"repository": "a/b", "repository_owner_id": "7", "repository_id": "71"},
            False,
        ),
        (
            "github",
            {"repository": "a/b", "repository_owner_id": "7", "repository_id": "70"},
            {"repository": "a/b", "repository_owner_id": "7", "repository_id": "70"},
            True,
        ),
        (
            "gitlab",
            {"project_path": "a/b", "namespace_id": "7", "project_id": "70"},
            {"project_path": "a/b", "namespace_id": "7", "project_id": "71"},
            False,
        ),
        (
            "gitlab",
            {"project_path": "a/b", "namespace_id": "7", "project_id": "70"},
            {"project_path": "a/b", "namespace_id": "7", "project_id": "70"},
            True,
        ),
        (
            "github",
            {"repository": "a/b", "environment": "PyPI"},
            {"repository": "a/b", "environment": "pypi"},
            True,
        ),
        (
            "github",
            {"repository": "a/b", "ref": "refs/heads/main"},
            {"repository": "a/b", "ref": "refs/heads/Main"},
            False,
        ),
        (
            "github",
            {"repository": "a/b", "workflow": "x.yml"},
            {"repository": "a/b", "workflow": "x.yml"},
            False,
        ),
        ("gitlab", {"project_path": "a/b/c"}, {"project_path": "A/b/c"}, True),
        (
            "gitlab",
            {"project_path": "a/b", "workflow": "ci/release.yml"},
            {"project_path": "a/b", "ci_config_ref_uri": "gitlab.example/a/b//ci/release.yml@main"},
            True,
        ),
        (
            "gitlab",
            {"project_path": "a/b", "workflow": "ci/release.yml"},
            {"project_path": "a/b", "ci_config_ref_uri": "gitlab.example/x/y//ci/release.yml@main"},
            False,
        ),
        (
            "gitlab",
            {"project_path": "a/b", "ref": "main", "ref_protected": "true"},
            {"project_path": "a/b", "ref": "main", "ref_protected": "true"},
            True,
        ),
        ("oidc", {"sub": "service-7", "admin": "true"}, {"sub": "service-7", "admin": True}, True),
        ("oidc", {"sub": "Service"}, {"sub": "service"}, False),
        ("oidc", {"sub": "x"}, {}, False),
    ],
)
def test_matching(
    kind: str, wanted: dict[str, str], claims: dict[str, object], matches: bool
) -> None:
    """Every claim of a record must be there and agree, as the provider itself compares it."""
    publishers = TrustedPublishers(ObjectStore(MemoryStore()))
    issuer = "https://oidc.example" if kind == "oidc" else ""
    publisher = publishers.add(kind, wanted, ["x"], issuer)
    assert publisher.matches(claims) is matches


def test_records(store: Store, issuer: Issuer) -> None:
    """Publishers are listed as they were added, and no longer trusted once they are removed."""
    publishers = TrustedPublishers(store)
    (first,) = publishers.list()
    second = publishers.add("gitlab", {"project_path": "a/b", "ref": ""}, ["Acme_*"])
    third = publishers.add("github", {"repository": "a/b"}, ["*"])
    assert (second.issuer, third.issuer) == (GITLAB, GITHUB)
    assert (str(second), dict(second.claims)) == ("gitlab:a/b", {"project_path": "a/b"})
    assert second.projects == project_set(["acme-*"])
    assert sorted(publishers.list()) == sorted([first, second, third])
    assert publishers.of_issuer(GITLAB) == [second]
    assert publishers.of_issuer("https://nobody.example") == []
    assert publishers.remove(first.id)
    assert not publishers.remove(first.id)
    mint = Mint(store, SigningKeys(Elapsed(), issuer.fetch), AUDIENCE, time.time)
    with pytest.raises(InvalidIdentity) as refused:
        mint.exchange(issuer.token())
    assert refused.value.code == "unknown-issuer"


@pytest.mark.parametrize(
    ("kind", "claims", "projects", "issuer"),
    [
        ("jenkins", {"sub": "x"}, ["x"], "https://oidc.example"),
        ("oidc", {"sub": "x"}, ["x"], ""),
        ("oidc", {"sub": "x"}, ["x"], "http://oidc.example"),
        ("oidc", {"sub": "x"}, ["x"], "https://user:pass@oidc.example"),
        ("oidc", {"sub": "x"}, ["x"], "https://oidc.example?x=1"),
        ("oidc", {"sub": "x"}, ["x"], "https://[oidc.example"),
        ("oidc", {"sub": "x"}, ["x"], "https:///path"),
        ("oidc", {}, ["x"], "https://oidc.example"),
        ("oidc", {"aud": "wheelyard"}, ["x"], "https://oidc.example"),
        ("oidc", {"sub": "x"}, [], "https://oidc.example"),
        ("github", {"environment": "release"}, ["x"], ""),
        ("github", {"repository": "tools"}, ["x"], ""),
        ("gitlab", {"repository": "a/b"}, ["x"], ""),
    ],
)
def test_publishers_that_cannot_be(
    kind: str, claims: dict[str, str], projects: list[str], issuer: str
) -> None:
    """A record that would trust everybody, or a provider that cannot be asked safely, is refused."""
    store = ObjectStore(MemoryStore())
    with pytest.raises(InvalidPublisher):
        TrustedPublishers(store).add(kind, claims, projects, issuer)
    assert list(store.list(keys.PUBLISHERS)) == []


@pytest.mark.parametrize("record", [b"", b"[]", b"{}", b'{"id": "x", "projects": ["*x"]}'])
def test_a_damaged_record_trusts_nobody(store: Store, issuer: Issuer, record: bytes) -> None:
    """A record that cannot be read is an error of the store, not a publisher less."""
    store.put(keys.publisher(issuer.url, "x"), record)
    with pytest.raises(StorageError):
        TrustedPublishers(store).of_issuer(issuer.url)
