"""The application: a request in, a response out, whatever way it came.

All locations and links are relative, so that the index works under any host, stage or base path.
"""

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from wheelyard.access.authentication import Authenticator
from wheelyard.access.principal import Principal
from wheelyard.entry.files import redirect
from wheelyard.entry.http import Request, Response
from wheelyard.entry.problems import problem, unexpected
from wheelyard.entry.reading import Reader
from wheelyard.errors import (
    InvalidName,
    MethodNotAllowed,
    NotFound,
    Unauthenticated,
    WheelyardError,
)
from wheelyard.index.documents import no_project
from wheelyard.protocol.names import project_name

if TYPE_CHECKING:
    from wheelyard.audit.event import Actor
    from wheelyard.entry.oidc import TrustedPublishing
    from wheelyard.entry.recent import Recent
    from wheelyard.entry.uploading import Uploading
    from wheelyard.publish.publisher import Publisher

_logger = logging.getLogger(__name__)

_READ = ("GET", "HEAD")
_UPLOADS = frozenset({"/", "/legacy", "/legacy/", "/simple", "/simple/"})
# What hatch puts ``+simple/`` behind: any path that takes uploads.
_BEFORE_EXISTING: tuple[list[str], ...] = ([], ["legacy"], ["simple"])


class Application:
    """The index, as HTTP."""

    def __init__(
        self,
        authenticator: Authenticator,
        reader: Reader,
        publisher: "Callable[[Actor], Publisher] | None",
        trusted_publishing: "Callable[[], TrustedPublishing] | None" = None,
        recent: "Recent | None" = None,
        uploading: "Callable[[], Uploading] | None" = None,
    ) -> None:
        """``publisher`` is called for each upload, ``trusted_publishing`` for what is below ``/_/oidc/``,
        ``uploading`` for publishing sessions, so that reading need not import what they need; None is
        for a function that takes no uploads. ``recent`` is for a process that can look at its store
        without waiting.
        """
        self._authenticator = authenticator
        self._reader = reader
        self._publisher = publisher
        self._trusted_publishing = trusted_publishing
        self._recent = recent
        self._uploading = uploading

    def at_once(self, request: Request) -> Response | None:
        """The answer to a request that needs no waiting, None for any other; never raises."""
        return self._recent.find(request) if self._recent else None

    def __call__(self, request: Request) -> Response:
        """Answer a request; never raises."""
        if self._recent is None:
            return self._respond(request)
        sources = self._recent.sources(request)
        response = self._respond(request)
        self._recent.keep(request, sources, response)
        return response

    def _respond(self, request: Request) -> Response:
        user = ""
        try:
            if request.path == "/-/health":
                response = _health(request)
            elif request.path.startswith("/_/oidc/"):
                response = self._publish_trusted(request)
            else:
                principal = self._authenticator.identify(request.headers.get("authorization"))
                user = principal.username
                response = self._answer(request, principal)
        except WheelyardError as error:
            response = problem(error, request.id)
            if isinstance(error, Unauthenticated) and error.reason:
                _count_failure(error, request)
            if response.status >= 500:
                _logger.exception("%s", request, extra=_identified(request))
        except Exception:
            _logger.exception("unexpected error for %s", request, extra=_identified(request))
            response = unexpected(request.id)
        body = b"" if request.method == "HEAD" else response.body
        return response._replace(body=body, user=user)

    def _answer(self, request: Request, principal: Principal) -> Response:
        takes_uploads = self._publisher is not None and request.path in _UPLOADS
        if takes_uploads and request.method == "POST":
            return self._upload(request, principal)
        if self._uploading is not None and _is_session(request.path):
            return self._uploading()(request, principal, _actor(request, principal))
        read = self._readable(request, principal)
        allowed = (*(_READ if read else ()), *(("POST",) if takes_uploads else ()))
        if not allowed:
            raise NotFound(f"there is nothing at {request.path[:200]!r}")
        if read is None or request.method not in _READ:
            raise MethodNotAllowed(
                f"{request.method} is not possible here: use {' or '.join(allowed)}", allowed
            )
        return read()

    def _readable(self, request: Request, principal: Principal) -> Callable[[], Response] | None:
        """What answers a GET of this path, None if nothing does."""
        reader = self._reader
        segments = request.path.split("/")[1:]
        if "" in segments[:-1]:
            return None
        match segments:
            case ["simple", name, ""]:  # most requests
                answer = partial(reader.project, request, name, "/")
            case [""]:
                return lambda: _welcome(request)
            case ["simple"]:
                query = f"?{request.query}" if request.query else ""
                return lambda: redirect(301, f"simple/{query}")
            case ["simple", ""]:
                return lambda: reader.root(request, principal.rights.reads)
            case [*before, "+simple", name] | [*before, "+simple", name, ""] if (
                name and before in _BEFORE_EXISTING
            ):
                answer = partial(reader.existing, request, name)
            case ["simple", name]:
                answer = partial(reader.project, request, name, "")
            case ["simple", name, filename]:
                answer = partial(reader.file, request, name, filename)
            case ["pypi", name, "json"]:
                answer = partial(reader.json_api, request, name, None)
            case ["pypi", name, version, "json"]:
                answer = partial(reader.json_api, request, name, version)
            case _:
                return None
        return answer if _visible(principal, name) else partial(_hide, name)

    def _publish_trusted(self, request: Request) -> Response:
        if self._trusted_publishing is None:
            raise NotFound("trusted publishing is at the address that takes uploads")
        return self._trusted_publishing()(request)

    def _upload(self, request: Request, principal: Principal) -> Response:
        assert self._publisher is not None  # noqa: S101  (the caller has looked)
        principal.require_upload()
        published = self._publisher(_actor(request, principal)).publish(
            request.headers.get("content-type"),
            request.body,
            principal.publisher,
            permit=principal.require_upload,
        )
        _count_upload(published.created)
        text = (
            f"{published.filename} is published\n"
            if published.created
            else (f"{published.filename} was published before, with the same content\n")
        )
        return _text(200, text)


def _is_session(path: str) -> bool:
    return path == "/upload" or path.startswith("/upload/")


def _count_upload(created: bool) -> None:
    from wheelyard.metrics import count

    count(("Uploads",), time.time(), "result", {"result": "created" if created else "same"})


def _actor(request: Request, principal: Principal) -> "Actor":
    """The uploader, for the audit trail."""
    # Readers change nothing.
    from wheelyard.audit.event import Actor

    return Actor(
        principal.username,
        "http",
        principal.token or "",
        request.client,
        request.headers.get("user-agent", "")[:200],
        request.id,
    )


def _visible(principal: Principal, raw_name: str) -> bool:
    if principal.reads_everything:
        return True
    try:
        return principal.may_read(project_name(raw_name))
    except InvalidName:  # which nothing has
        return True


def _hide(raw_name: str) -> Response:
    """Nothing was looked up, so neither the answer nor its time tells whether there is such a project."""
    raise no_project(project_name(raw_name))


def _count_failure(error: Unauthenticated, request: Request) -> None:
    """Neither the password nor the user name is told, which may be one: only a name that exists."""
    # Not needed by those whose credentials are right.
    from wheelyard.metrics import count

    fields = {
        "reason": error.reason,
        "user": error.username or None,
        "client": request.client or None,
        "request_id": request.id or None,
    }
    told = {name: value for name, value in fields.items() if value is not None}
    count(("AuthenticationFailures",), time.time(), "reason", told, logging.WARNING)


def _identified(request: Request) -> dict[str, dict[str, str]]:
    """What a log record needs to be found by the id that the client was told."""
    return {"fields": {"request_id": request.id}}


def _health(request: Request) -> Response:
    if request.method not in _READ:
        return problem(MethodNotAllowed(f"{request.method} is not possible here", _READ))
    return _text(200, "ok\n")


def _text(status: int, text: str) -> Response:
    body = text.encode()
    headers = (
        ("content-type", "text/plain; charset=utf-8"),
        ("content-length", str(len(body))),
        ("cache-control", "no-store"),
    )
    return Response(status, headers, body)


def _welcome(request: Request) -> Response:
    # Only people come here, so its templates and escaping are no part of a cold start.
    from wheelyard.entry.welcome import welcome_page

    body = welcome_page(f"{request.scheme}://{request.host}{request.base}/")
    headers = (
        ("content-type", "text/html; charset=utf-8"),
        ("content-length", str(len(body))),
        ("cache-control", "max-age=0, private"),
        ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'"),
    )
    return Response(200, headers, body)
