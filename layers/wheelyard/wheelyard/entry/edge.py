"""The guard of a static export behind CloudFront: a Lambda@Edge function for viewer requests.

It checks the same users and tokens as the index does, and lets CloudFront go on to the page or file that
was asked for. There are no environment variables at the edge, so what it has to know is baked into its
code, as ``configuration.json``:
https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/edge-function-restrictions-all.html
"""

import logging
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from wheelyard.access.authentication import Authenticator, Clock
from wheelyard.access.principal import Principal
from wheelyard.entry.events import from_response, to_request
from wheelyard.entry.files import redirect
from wheelyard.entry.http import Request, Response
from wheelyard.entry.problems import problem, unexpected
from wheelyard.errors import (
    Forbidden,
    InvalidName,
    InvalidSetting,
    MethodNotAllowed,
    NotFound,
    Unauthenticated,
    WheelyardError,
)
from wheelyard.protocol.names import project_name
from wheelyard.protocol.negotiation import media_type
from wheelyard.storage.linked import LinkedRecords
from wheelyard.storage.presign import Credentials, endpoint, presign, signing_window

_logger = logging.getLogger(__name__)

_LINK_LIFETIME = 60
_READ = ("GET", "HEAD")
_HEALTH = "/-/health"
_PROJECT = re.compile(r"/simple/([^/]+)(/?)")
_FILE = re.compile(r"/simple/([^/]+)/([^/]+)")

Handler = Callable[[Any, Any], dict[str, Any]]


class EdgeConfiguration(NamedTuple):
    """Where users and tokens are, and what the export has.

    ``json``  whether it has pages in JSON
    """

    bucket: str
    region: str
    prefix: str = ""
    json: bool = True

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "EdgeConfiguration":
        """What was baked in. Raises ``InvalidSetting``."""
        try:
            return cls(
                bucket=str(document["bucket"]),
                region=str(document["region"]),
                prefix=str(document.get("prefix", "")).strip("/"),
                json=document.get("json", True) is True,
            )
        except KeyError as error:
            raise InvalidSetting(f"configuration.json has no {error.args[0]!r}") from error


def edge_handler(configuration: Mapping[str, Any], environ: Mapping[str, str]) -> Handler:
    """A handler that returns the viewer's request, rewritten to the name of a page, or an answer.

    The credentials of the function's role are in ``environ`` even at the edge. Raises ``InvalidSetting``.
    """
    chosen = EdgeConfiguration.from_document(configuration)
    records = LinkedRecords(_signer(chosen, environ))
    guard = _Guard(Authenticator(records, Clock(time.monotonic, time.time)), chosen.json)

    def handle(event: Any, context: Any) -> dict[str, Any]:
        request = to_request(event, context)
        if request is None:
            raise InvalidSetting("this function answers CloudFront's viewer requests, nothing else")
        found = guard.look(request)
        if isinstance(found, Response):
            return from_response(event, found)
        passed: dict[str, Any] = event["Records"][0]["cf"]["request"]
        # The bucket has its own credentials, and one object for everybody.
        passed["headers"].pop("authorization", None)
        passed["querystring"] = ""
        passed["uri"] = found
        return passed

    return handle


def _signer(chosen: EdgeConfiguration, environ: Mapping[str, str]) -> Callable[[str, str], str]:
    where = endpoint(chosen.bucket, chosen.region, environ.get("AWS_ENDPOINT_URL_S3"))
    credentials = Credentials(
        environ.get("AWS_ACCESS_KEY_ID", ""),
        environ.get("AWS_SECRET_ACCESS_KEY", ""),
        environ.get("AWS_SESSION_TOKEN"),
    )
    before = f"{chosen.prefix}/" if chosen.prefix else ""

    def sign(method: str, key: str) -> str:
        window = signing_window(time.time(), _LINK_LIFETIME)
        return presign(method, where, before + key, credentials, window)

    return sign


class _Guard(NamedTuple):
    authenticator: Authenticator
    json: bool

    def look(self, request: Request) -> Response | str:
        """What to answer, or the path that the request is let through to."""
        try:
            return self._look(request)
        except Unauthenticated as error:
            return problem(error)
        except WheelyardError as error:
            answer = problem(error)
            if answer.status >= 500:
                _logger.exception("%s", request)
            return answer
        except Exception:
            _logger.exception("unexpected error for %s", request)
            return unexpected(request.id)

    def _look(self, request: Request) -> Response | str:
        if request.path == _HEALTH and request.method in _READ:
            return Response(
                200, (("content-type", "text/plain"), ("cache-control", "no-store")), b"ok\n"
            )
        principal = self.authenticator.identify(request.headers.get("authorization"))
        if request.method not in _READ:
            raise MethodNotAllowed(f"{request.method} is not possible here: use GET", _READ)
        path = request.path
        if path == "/simple":
            return redirect(301, "simple/")
        if path == "/simple/":
            _require_everything(principal)
            return f"/simple/{self._page(request)}"
        if match := _PROJECT.fullmatch(path):
            raw, slash = match.groups()
            name = _visible(principal, raw)
            if name != raw or not slash:
                return redirect(301, f"{'../' if slash else ''}{name}/")
            return f"/simple/{name}/{self._page(request)}"
        if match := _FILE.fullmatch(path):
            raw, filename = match.groups()
            name = _visible(principal, raw)
            # S3 takes a plain "+" in a path, as local versions have it, for a space.
            location = f"{name}/{quote(filename, safe='')}"
            return redirect(301, f"../{location}") if name != raw else f"/simple/{location}"
        raise NotFound(f"there is nothing at {path[:200]!r}")

    def _page(self, request: Request) -> str:
        """The name of the page in the form that the client likes best, of those that there are."""
        if not self.json:
            return "index.html"
        return f"index.{media_type(request.headers.get('accept')).form}"


def _require_everything(principal: Principal) -> None:
    # An exported page is the same for everybody.
    if not principal.reads_everything:
        raise Forbidden(
            "you may read some projects only, and this list has all: ask for one of yours"
        )


def _visible(principal: Principal, raw: str) -> str:
    """The normalised name. Raises ``NotFound`` where it is none, or nothing that they may see."""
    try:
        name = project_name(raw)
    except InvalidName as error:
        raise NotFound(str(error)) from error
    if not principal.may_read(name):
        raise NotFound(f"there is no project {name!r} here")
    return name
