"""Trusted publishing: an identity token in, an upload token for a quarter of an hour out."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from wheelyard.access.apitoken import parse_token
from wheelyard.access.identity import OLDEST, SKEW, Identity, read_identity, verify_identity
from wheelyard.access.issuers import SigningKeys
from wheelyard.access.projects import project_set
from wheelyard.access.publishers import TrustedPublisher, TrustedPublishers
from wheelyard.access.rights import Rights
from wheelyard.access.tokens import NewToken, Tokens
from wheelyard.audit.recorder import Recorder, unrecorded
from wheelyard.errors import InvalidIdentity, KeyExists, KeyNotFound
from wheelyard.storage import keys
from wheelyard.storage.store import Store

LIFETIME = timedelta(minutes=15)
"""How long a minted token is good."""

_SWEPT = 100
# What the provider says somebody is, where nobody of that description is trusted.
_TELLING = (
    "repository",
    "job_workflow_ref",
    "project_path",
    "ci_config_ref_uri",
    "environment",
    "ref",
    "sub",
)

RecorderOf = Callable[[str], Recorder]
"""From who does something to what records it."""


def _unrecorded(user: str) -> Recorder:
    del user
    return unrecorded


class Mint:
    """Makes upload tokens for trusted publishers."""

    def __init__(
        self, store: Store, signing_keys: SigningKeys, audience: str, now: Callable[[], float]
    ) -> None:
        """``audience`` is what identity tokens must be made for; ``now`` gives seconds since 1970."""
        self._store = store
        self._keys = signing_keys
        self._audience = audience
        self._now = now
        self._publishers = TrustedPublishers(store)
        self._tokens = Tokens(store, now)

    def exchange(self, identity_token: str, recorder: RecorderOf = _unrecorded) -> NewToken:
        """An upload token for the projects of the trusted publisher that the identity token speaks of.

        ``recorder`` has what that publisher does in the audit trail.
        Raises ``InvalidIdentity``, ``IssuerUnavailable`` and ``StorageError``.
        """
        unverified = read_identity(identity_token)
        candidates = self._publishers.of_issuer(unverified.issuer)
        if not candidates:
            raise InvalidIdentity(
                f"no trusted publisher is registered for the issuer {unverified.issuer[:512]!r}",
                "unknown-issuer",
            )
        identity = verify_identity(unverified, self._audience, self._keys.find, self._now())
        trusted = [publisher for publisher in candidates if publisher.matches(identity.claims)]
        if not trusted:
            raise InvalidIdentity(_stranger(identity.claims), "invalid-publisher")
        return self._mint(identity, trusted, recorder)

    def burn(self, text: str, recorder: RecorderOf = _unrecorded) -> bool:
        """End a token that was minted; returns whether it was one."""
        held = parse_token(text)
        record = self._tokens.find(held) if held else None
        # Others are for their owners to revoke: a reader who shares one must not end it for all.
        if record is None or record.publisher is None:
            return False
        return Tokens(self._store, self._now, recorder(record.owner)).revoke(record.id)

    def _mint(
        self, identity: Identity, trusted: list[TrustedPublisher], recorder: RecorderOf
    ) -> NewToken:
        self._sweep()
        # First, so that whoever loses a race, or sends a token again, has made nothing.
        self._spend(identity)
        patterns = [pattern for publisher in trusted for pattern in publisher.projects.patterns]
        projects = project_set(patterns)
        first = trusted[0]
        owner = str(first)[:255]
        made = Tokens(self._store, self._now, recorder(owner)).create(
            owner,
            Rights(reads=projects, uploads=projects),
            LIFETIME,
            "by trusted publishing",
            first.provenance,
        )
        # For the sweep.
        spent = json.dumps({"token": made.record.id}).encode()
        self._store.put(keys.identity(identity.once), spent)
        return made

    def _spend(self, identity: Identity) -> None:
        try:
            self._store.create(keys.identity(identity.once), b"{}")
        except KeyExists:
            raise InvalidIdentity(
                "the identity token was used before: get a new one for each upload", "reused-token"
            ) from None

    def _sweep(self) -> None:
        """Forget identities that are too old to be used again, with the tokens that were made for them."""
        oldest = self._now() - OLDEST - 2 * SKEW
        swept = 0
        for entry in self._store.list(keys.IDENTITIES):
            if entry.modified.timestamp() < oldest and swept < _SWEPT:
                self._forget(entry.key)
                swept += 1

    def _forget(self, key: str) -> None:
        try:
            token_id = json.loads(self._store.get(key).body).get("token")
        except KeyNotFound:
            return
        if token_id is not None:
            self._tokens.revoke(token_id)
        self._store.delete(key)


def _stranger(claims: Mapping[str, Any]) -> str:
    said = ", ".join(
        f"{name} {claims[name][:200]!r}" for name in _TELLING if isinstance(claims.get(name), str)
    )
    return f"the identity token is valid, but is no trusted publisher's: {said or 'it says nothing known'}"
