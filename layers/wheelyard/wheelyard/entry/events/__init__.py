"""Lambda events as HTTP: the event of every front becomes a Request, a Response becomes its answer.

Fronts: Function URL, HTTP API (payloads 1.0 and 2.0), REST API, ALB (single- and multi-value
headers), CloudFront Lambda@Edge (viewer request and origin request). In reading order:

``incoming``   what every front's request is made of, from JSON that nobody has checked
``outgoing``   the body of an answer: drained, text or base64, and how much of it a front carries
``payload2``   Function URL, HTTP API with payload 2.0
``payload1``   REST API, HTTP API with payload 1.0
``alb``        load balancer
``edge``       Lambda@Edge

Only the module of the front that an event came from is imported: an environment serves one front, and
each module left out is time less in its cold start.
"""

from typing import Protocol

from wheelyard.entry.events.incoming import fields, text
from wheelyard.entry.events.outgoing import Body, drained, encoded, too_large
from wheelyard.entry.http import Headers, Request, Response

# RFC 9110, 7.6.1: they speak of one connection, and the one to the client is the front's.
_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)


class Front(Protocol):
    """What the module of a front offers."""

    def request(self, event: object, context: object, base_path: str, /) -> Request:
        """The request in an event of this front."""

    def answer(
        self, event: object, status: int, headers: Headers, body: Body, /
    ) -> dict[str, object]:
        """What the function returns to this front."""

    def limit(self, event: object, /) -> int:
        """The most bytes that a body may have before it is encoded."""


def to_request(event: object, context: object, base_path: str = "") -> Request | None:
    """The HTTP request in a Lambda event, or None for anything else: a warm-up, a direct invocation.

    ``base_path`` is a path that the front has before ours (``API_GATEWAY_BASE_PATH``), with or without
    slashes; it is taken off where it is there, and a stage of API Gateway always. The path is decoded
    exactly once, whether the front has done so or not.

    Never fails, whatever the event holds. Reading the body raises ``TooLarge`` where the front cut it
    off, and ``InvalidUpload`` where it is not the base64 that the front announced.
    """
    front = front_of(event)
    return None if front is None else front.request(event, context, base_path)


def from_response(event: object, response: Response) -> dict[str, object]:
    """What the function returns to the front that ``event`` came from.

    The body is read whole, a file's part or a stream included. One that is larger than ``limit`` allows
    becomes an answer 507 that says so: the application is expected to redirect before it comes to that.
    Raises ValueError where ``event`` is not an HTTP event.
    """
    return answer(_of(event), event, response)


def answer(front: Front, event: object, response: Response) -> dict[str, object]:
    """``from_response`` for who knows the front already."""
    most = front.limit(event)
    body = drained(response.body, most)
    if body is None:
        response = too_large(most)
        body = drained(response.body, most) or b""
    headers = tuple(pair for pair in response.headers if pair[0] not in _HOP_BY_HOP)
    return front.answer(event, response.status, headers, encoded(body, most))


def limit(event: object) -> int:
    """The largest response body, in bytes before any encoding, that the event's front can carry.

    Raises ValueError where ``event`` is not an HTTP event.
    """
    return _of(event).limit(event)


def _of(event: object) -> Front:
    front = front_of(event)
    if front is None:
        raise ValueError("There is no response to an event that is not an HTTP request.")
    return front


def front_of(event: object) -> Front | None:
    """The front that an event came from, None if it is not an HTTP event."""
    envelope = fields(event)
    context = fields(envelope.get("requestContext"))
    if text(fields(context.get("http")).get("method")):
        from wheelyard.entry.events import payload2

        return payload2
    if text(envelope.get("httpMethod")):
        if "elb" in context:
            from wheelyard.entry.events import alb

            return alb
        from wheelyard.entry.events import payload1

        return payload1
    if "Records" in envelope:
        from wheelyard.entry.events import edge

        return edge if edge.is_request(event) else None
    return None
