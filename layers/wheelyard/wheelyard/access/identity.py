"""Identity tokens: the signed statement of an identity provider about who somebody is.

JSON Web Tokens (RFC 7519, with the advice of RFC 8725), verified by PyJWT. Each way in which one can be
wrong has a message of its own: a person reads it in the log of a build.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeGuard

import jwt

from wheelyard.errors import InvalidIdentity

ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
"""Signatures by a private key that only the issuer has; never ``none``, never a shared secret."""

SKEW = 60
"""Seconds that clocks may differ."""

OLDEST = 24 * 3600
"""Seconds after which an identity token is too old, whatever it says itself."""

LONGEST = 16 * 1024
"""Characters of an identity token, at most."""

FindKey = Callable[[str, str | None], Mapping[str, Any] | None]
"""From an issuer and the key's id to its JSON Web Key."""


class Identity(NamedTuple):
    """Who somebody is, according to ``issuer``; ``once`` is the same for every use of one token."""

    issuer: str
    claims: Mapping[str, Any]
    once: str


class Unverified(NamedTuple):
    """What an identity token says before anything is known of its truth."""

    text: str
    issuer: str
    algorithm: str
    kid: str | None


def read_identity(text: str) -> Unverified:
    """Take a token apart, to know whom to ask about it. Raises ``InvalidIdentity``."""
    if len(text) > LONGEST:
        raise InvalidIdentity(
            f"the identity token has more than {LONGEST} characters", "malformed-token"
        )
    try:
        header = jwt.get_unverified_header(text)
        claims = jwt.decode(text, options={"verify_signature": False})
    # JSON can say half a character, and more brackets than there is room for.
    except (jwt.PyJWTError, UnicodeEncodeError, RecursionError) as error:
        raise InvalidIdentity(
            "the identity token is not a JSON Web Token: send the one that the provider gave",
            "malformed-token",
        ) from error
    algorithm, kid, issuer = header.get("alg"), header.get("kid"), claims.get("iss")
    if algorithm not in ALGORITHMS:
        raise InvalidIdentity(
            f"the identity token is signed by the algorithm {str(algorithm)[:20]!r}, which is not accepted",
            "invalid-algorithm",
        )
    if not _is_issuer(issuer) or not isinstance(kid, str | None):
        raise InvalidIdentity("the identity token does not say who issued it", "malformed-token")
    return Unverified(text, issuer, algorithm, kid)


def _is_issuer(said: object) -> TypeGuard[str]:
    return isinstance(said, str) and said.isprintable()


def verify_identity(token: Unverified, audience: str, find_key: FindKey, now: float) -> Identity:
    """Check a token's signature, times and audience.

    Raises ``InvalidIdentity``, and whatever ``find_key`` raises.
    """
    key = find_key(token.issuer, token.kid)
    if key is None:
        raise InvalidIdentity(
            f"the identity token is signed by a key that {token.issuer!r} does not have",
            "unknown-key",
        )
    try:
        # A key that names no algorithm of its own is used as the token says; its type must still fit.
        claims = jwt.decode(
            token.text,
            jwt.PyJWK.from_dict(dict(key), key.get("alg") or token.algorithm),
            algorithms=ALGORITHMS,
            audience=audience,
            issuer=token.issuer,
            leeway=SKEW,
            options={"require": ["exp", "iat", "iss", "aud"], "enforce_minimum_key_length": True},
        )
    except jwt.PyJWTError as error:
        raise _refusal(error, audience) from error
    if claims["iat"] < now - OLDEST:
        raise InvalidIdentity(
            "the identity token is older than a day: get a new one", "expired-token"
        )
    return Identity(token.issuer, claims, _once(token, claims))


def _once(token: Unverified, claims: Mapping[str, Any]) -> str:
    """What tells one token from every other: its ``jti``, or, from issuers without, what was signed."""
    jti = claims.get("jti") or token.text.rpartition(".")[0]
    return hashlib.sha256(f"{token.issuer}\0{jti}".encode()).hexdigest()


_REFUSALS: tuple[tuple[type[jwt.PyJWTError], str, str], ...] = (
    (
        jwt.InvalidSignatureError,
        "invalid-signature",
        "the signature of the identity token is wrong",
    ),
    (jwt.ExpiredSignatureError, "expired-token", "the identity token has expired: get a new one"),
    (
        jwt.ImmatureSignatureError,
        "immature-token",
        "the identity token is not valid yet: check the clocks",
    ),
    (
        jwt.InvalidAlgorithmError,
        "invalid-algorithm",
        "the key is not for the algorithm that the token names",
    ),
    (jwt.InvalidKeyError, "unknown-key", "the key that the identity token names cannot be used"),
)


def _refusal(error: jwt.PyJWTError, audience: str) -> InvalidIdentity:
    if isinstance(error, jwt.InvalidAudienceError):
        return InvalidIdentity(
            f"the identity token is for another audience: ask the provider for one for {audience!r}",
            "invalid-audience",
        )
    if isinstance(error, jwt.MissingRequiredClaimError):
        return InvalidIdentity(f"the identity token has no claim {error.claim!r}", "missing-claim")
    for kind, code, message in _REFUSALS:
        if isinstance(error, kind):
            return InvalidIdentity(message, code)
    return InvalidIdentity("the identity token has a claim that cannot be read", "malformed-token")
