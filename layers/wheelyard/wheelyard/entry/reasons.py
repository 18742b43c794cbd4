"""Reason phrases that say the cause.

twine, hatch, flit and pip print the phrase behind an answer's status and nothing of its body. ASGI has no
place for it, so it travels as a header that is taken out where the status line is written.
"""

from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

REASON = b"x-wheelyard-reason"

_LONGEST = 300


class ReasonProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, with the phrase that the application gave."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn = _Connection(h11.SERVER)


class _Connection(h11.Connection):
    def send(self, event: Any) -> Any:
        return super().send(_with_reason(event) if isinstance(event, h11.Response) else event)


def _with_reason(response: h11.Response) -> h11.Response:
    given = [value for name, value in response.headers if name == REASON]
    if not given:
        return response
    headers = [(name, value) for name, value in response.headers if name != REASON]
    return h11.Response(status_code=response.status_code, headers=headers, reason=phrase(given[0]))


def phrase(text: bytes) -> bytes:
    """``text`` as a reason phrase can be: printable ASCII, of bounded length (RFC 9112, 4)."""
    printable = bytes(byte if 0x20 <= byte < 0x7F else ord("?") for byte in text)
    return printable if len(printable) <= _LONGEST else printable[:_LONGEST] + b"..."
