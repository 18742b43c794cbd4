"""Trusted publishing over HTTP, as clients call it: ``/_/oidc/audience``, ``mint-token``, ``burn-token``.

The public index documents the addresses and documents ("Trusted publishers", "Internals"). They are asked
without credentials, at the root of the domain that takes the uploads.
"""

import json
import logging
from collections.abc import Callable, Iterable
from typing import NamedTuple

from wheelyard.access.minting import Mint
from wheelyard.audit.event import Actor
from wheelyard.audit.recorder import Recorder
from wheelyard.audit.trail import Trail
from wheelyard.entry.http import Headers, Request, Response
from wheelyard.errors import InvalidIdentity, IssuerUnavailable, MethodNotAllowed, NotFound
from wheelyard.metrics import count

_logger = logging.getLogger(__name__)

_LARGEST = 64 * 1024
_RETRY_AFTER = ("retry-after", "60")


class TrustedPublishing(NamedTuple):
    """Answers what is below ``/_/oidc/``. ``now`` gives seconds since 1970."""

    mint: Mint
    audience: str
    now: Callable[[], float]
    trail: Trail

    def __call__(self, request: Request) -> Response:
        """Raises ``NotFound``, ``MethodNotAllowed`` and ``StorageError``."""
        path = request.path.removesuffix("/")
        if path == "/_/oidc/audience":
            _require(request, ("GET", "HEAD"))
            return _document(200, {"audience": self.audience})
        if path == "/_/oidc/mint-token":
            _require(request, ("POST",))
            return self._exchange(request)
        if path == "/_/oidc/burn-token":
            _require(request, ("POST",))
            return self._burn(request)
        raise NotFound(f"there is nothing at {request.path[:200]!r}")

    def _exchange(self, request: Request) -> Response:
        try:
            made = self.mint.exchange(_token(request.body), self._recorder(request))
        except InvalidIdentity as error:
            self._count(error.code, request)
            return _refusal(422, "Token request failed", error.code, str(error))
        except IssuerUnavailable as error:
            self._count("issuer-unavailable", request)
            _logger.warning("%s", error)
            return _refusal(
                503, "Token request failed", "issuer-unavailable", str(error), (_RETRY_AFTER,)
            )
        record = made.record
        expires = int(record.expires.timestamp()) if record.expires else None
        _logger.info(
            "token minted",
            extra={
                "fields": {"owner": record.owner, "id": record.id, "rights": str(record.rights)}
            },
        )
        return _document(200, {"success": True, "token": made.secret, "expires": expires})

    def _burn(self, request: Request) -> Response:
        try:
            self.mint.burn(_token(request.body), self._recorder(request))
        except InvalidIdentity as error:
            return _refusal(422, "Token request failed", error.code, str(error))
        # The same whether or not there was such a token, so that nobody can try some.
        return _document(202, {})

    def _recorder(self, request: Request) -> Callable[[str], Recorder]:
        def by(user: str) -> Recorder:
            agent = request.headers.get("user-agent", "")[:200]
            actor = Actor(user, "http", "", request.client, agent, request.id)
            return self.trail.by(actor)

        return by

    def _count(self, code: str, request: Request) -> None:
        fields = {"code": code, "client": request.client, "request_id": request.id}
        count(("TrustedPublishingFailures",), self.now(), "code", fields, logging.WARNING)


def _require(request: Request, allowed: tuple[str, ...]) -> None:
    if request.method not in allowed:
        raise MethodNotAllowed(
            f"{request.method} is not possible here: use {' or '.join(allowed)}", allowed
        )


def _token(body: Iterable[bytes]) -> str:
    """The ``token`` of a body of JSON, whatever its content type says. Raises ``InvalidIdentity``."""
    raw = b""
    for chunk in body:
        raw += chunk
        if len(raw) > _LARGEST:
            raise InvalidIdentity(f"the body has more than {_LARGEST} bytes", "invalid-payload")
    try:
        token = json.loads(raw)["token"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InvalidIdentity('the body must be JSON: {"token": "…"}', "invalid-payload") from error
    if not isinstance(token, str) or not token:
        raise InvalidIdentity("the token in the body must be a string", "invalid-payload")
    return token


def _refusal(
    status: int, message: str, code: str, description: str, extra: Headers = ()
) -> Response:
    errors = [{"code": code, "description": description}]
    return _document(status, {"message": message, "errors": errors}, extra)


def _document(status: int, document: object, extra: Headers = ()) -> Response:
    body = json.dumps(document).encode()
    # Exactly this type, without a charset: uv reads it only so.
    headers = (
        ("content-type", "application/json"),
        ("content-length", str(len(body))),
        ("cache-control", "no-store"),
        *extra,
    )
    return Response(status, headers, body)
