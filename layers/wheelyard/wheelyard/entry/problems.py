"""Errors become HTTP here, and nowhere else: ``application/problem+json`` (RFC 9457)."""

import json

from wheelyard import errors
from wheelyard.entry.http import Headers, Response

# Exactly this, without a charset: uv prints title and detail only then.
PROBLEM = "application/problem+json"

CHALLENGE = 'Basic realm="wheelyard", charset="UTF-8"'

# The first class that an error is an instance of gives the status.
_STATUS: tuple[tuple[type[errors.WheelyardError], int], ...] = (
    (errors.Unauthenticated, 401),
    (errors.Forbidden, 403),
    (errors.NotFound, 404),
    (errors.MethodNotAllowed, 405),
    (errors.NotAcceptable, 406),
    (errors.Conflict, 409),
    (errors.TooLarge, 413),
    (errors.UnsupportedMechanism, 422),
    (errors.UpstreamUnavailable, 503),
    (errors.UpstreamError, 502),
    (errors.StorageError, 503),
    (errors.InvalidDocument, 500),
    (errors.InvalidSetting, 500),
    (errors.WheelyardError, 400),
)
# Seconds.
_RETRY_AFTER = 5
_LONGEST_RETRY_AFTER = 300


def problem(error: errors.WheelyardError, request_id: str = "", **members: object) -> Response:
    """The answer to a request that failed with ``error``; where only the log has it, with the id.

    ``members`` are further ones of the problem document.
    """
    status = next(status for kind, status in _STATUS if isinstance(error, kind))
    extra: Headers = ()
    detail = str(error)
    if isinstance(error, errors.Unauthenticated):
        extra = (("www-authenticate", CHALLENGE),)
    elif isinstance(error, errors.MethodNotAllowed):
        extra = (("allow", ", ".join(error.allowed)),)
    elif isinstance(error, errors.UpstreamError):
        seconds = min(error.retry_after or _RETRY_AFTER, _LONGEST_RETRY_AFTER)
        extra = (("retry-after", str(seconds)),)
    elif status == 503:
        # What the store said is in the log; it may name buckets and keys.
        detail = "The index cannot reach its storage right now: try again in a moment"
        extra = (("retry-after", str(_RETRY_AFTER)),)
    elif status == 500:
        detail = f"A stored object cannot be read: see the log of the index{_under(request_id)}"
    return problem_response(status, error.title, detail, extra, **members)


def unexpected(request_id: str) -> Response:
    """The answer to a request that failed for a reason that nobody foresaw."""
    detail = f"The cause is in the log of the index{_under(request_id)}"
    return problem_response(500, "Internal error", detail)


def _under(request_id: str) -> str:
    return f" under request id {request_id}" if request_id else ""


def problem_response(
    status: int, title: str, detail: str, extra: Headers = (), **members: object
) -> Response:
    """A problem document: title, detail, status, and further members."""
    body = json.dumps({"title": title, "detail": detail, "status": status, **members}).encode()
    return Response(
        status,
        (
            ("content-type", PROBLEM),
            ("content-length", str(len(body))),
            ("cache-control", "no-store"),
            *extra,
        ),
        body,
        reason=detail,
    )
