"""The public keys of identity providers, by OpenID Connect discovery.

https://openid.net/specs/openid-connect-discovery-1_0.html and RFC 7517. Only issuers that an administrator
registered come here. Every answer is bounded in size and time, redirects are not followed, and nothing that
an identity token says can have an issuer asked more often than once in a while.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping
from threading import Lock
from time import monotonic
from typing import Any, NamedTuple

from wheelyard.errors import IssuerUnavailable

LIFETIME = 3600.0
"""Seconds that fetched keys are believed."""

PATIENCE = 60.0
"""Seconds before an issuer is asked again because of a key that it did not have, or did not answer."""

_REMEMBERED = 32
_LARGEST = 256 * 1024
_TIMEOUT = 5.0

Fetch = Callable[[str], bytes]
"""The body at an https URL. Raises ``IssuerUnavailable``."""


class _KeySet(NamedTuple):
    keys: tuple[Mapping[str, Any], ...]
    fetched: float
    failure: str = ""


class SigningKeys:
    """Finds the key that an identity token was signed with."""

    def __init__(self, elapsed: Callable[[], float], fetch: Fetch | None = None) -> None:
        """``elapsed`` gives seconds of which only differences count."""
        self._elapsed = elapsed
        self._fetch = fetch or fetch_https
        self._sets: OrderedDict[str, _KeySet] = OrderedDict()
        self._lock = Lock()

    def find(self, issuer: str, kid: str | None) -> Mapping[str, Any] | None:
        """The issuer's JSON Web Key called ``kid``, or its only key; None if it has no such key.

        Raises ``IssuerUnavailable``.
        """
        with self._lock:
            known = self._sets.get(issuer)
            age = LIFETIME if known is None else self._elapsed() - known.fetched
            if known is None or age >= LIFETIME or (age >= PATIENCE and not _pick(known, kid)):
                known = self._renewed(issuer)
        if known.failure:
            raise IssuerUnavailable(known.failure)
        return _pick(known, kid)

    def _renewed(self, issuer: str) -> _KeySet:
        try:
            fetched = _KeySet(_key_set(issuer, self._fetch), self._elapsed())
        except IssuerUnavailable as error:
            fetched = _KeySet((), self._elapsed(), str(error))
        self._sets[issuer] = fetched
        self._sets.move_to_end(issuer)
        while len(self._sets) > _REMEMBERED:
            self._sets.popitem(last=False)
        return fetched


def _pick(known: _KeySet, kid: str | None) -> Mapping[str, Any] | None:
    if kid is None:
        return known.keys[0] if len(known.keys) == 1 else None
    return next((key for key in known.keys if key.get("kid") == kid), None)


def _key_set(issuer: str, fetch: Fetch) -> tuple[Mapping[str, Any], ...]:
    configuration = _document(
        fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration"), issuer
    )
    # OpenID Connect Discovery 1.0, 4.3: they must be identical.
    if configuration.get("issuer") != issuer:
        raise IssuerUnavailable(f"the configuration of {issuer!r} is that of another issuer")
    address = configuration.get("jwks_uri")
    if not isinstance(address, str) or not address.startswith("https://"):
        raise IssuerUnavailable(
            f"the configuration of {issuer!r} names no https address of its keys"
        )
    found = _document(fetch(address), issuer).get("keys")
    if not isinstance(found, list):
        raise IssuerUnavailable(f"what {issuer!r} gives as its keys is no key set")
    # Keys for encryption are none of ours (RFC 7517, 4.2).
    return tuple(key for key in found if isinstance(key, dict) and key.get("use", "sig") == "sig")


def _document(body: bytes, issuer: str) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise IssuerUnavailable(f"{issuer!r} answered with something that is not JSON") from error
    if not isinstance(document, dict):
        raise IssuerUnavailable(f"{issuer!r} answered with something that is no JSON object")
    return document


def fetch_https(url: str) -> bytes:
    """The body at ``url``, without following redirects. Raises ``IssuerUnavailable``.

    Certificates are checked against the system's authorities, or those of ``REQUESTS_CA_BUNDLE``.
    """
    import requests
    from urllib3.exceptions import HTTPError

    shown, deadline = url[:512], monotonic() + 2 * _TIMEOUT
    try:
        with requests.get(url, timeout=_TIMEOUT, allow_redirects=False, stream=True) as answer:
            if answer.status_code != 200:
                raise IssuerUnavailable(f"{shown!r} answered with status {answer.status_code}")
            body = b""
            while chunk := answer.raw.read1(16 * 1024, decode_content=True):
                body += chunk
                if len(body) > _LARGEST or monotonic() > deadline:
                    raise IssuerUnavailable(f"{shown!r} answers with too much, or too slowly")
            return body
    except (requests.RequestException, HTTPError) as error:
        raise IssuerUnavailable(f"{shown!r} cannot be asked: {type(error).__name__}") from error
