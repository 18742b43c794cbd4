"""uvicorn's HTTP/1.1, with what ASGI has no place for.

- A reason phrase that says the cause: twine, hatch, flit and pip print the phrase behind an answer's status
  and nothing of its body. It travels as a header that is taken out where the status line is written.
- Files that the kernel sends, by ASGI's own extension
  (https://asgi.readthedocs.io/en/latest/extensions.html#zero-copy-send).
- Answers that need no waiting, given at once: no task is made, and no thread is asked.
- A ``send`` that says when the client is gone.
"""

import errno
import re
from collections.abc import Awaitable, Callable, MutableMapping
from functools import lru_cache
from typing import Any, NamedTuple, cast

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from wheelyard.entry.sending import send_file

REASON = b"x-wheelyard-reason"

ZERO_COPY = "http.response.zerocopysend"

_LONGEST = 300

Send = Callable[[dict[str, Any]], Awaitable[None]]


class Immediate(NamedTuple):
    """A whole answer: the lines after the status line, ended by an empty one, and the body."""

    status: int
    lines: bytes
    body: bytes
    reason: str = ""
    """In place of the status's own phrase."""


class Connection(HttpToolsProtocol):
    """One client's connection.

    An application with a method ``at_once(scope) -> Immediate | None`` is asked by it first.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._at_once: Callable[[MutableMapping[str, Any]], Immediate | None] = getattr(
            self.app, "at_once", lambda _: None
        )

    # uvicorn calls this for every request when its turn has come.
    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        # An answer at once to the request before this one, in the same segment, has set the timer.
        self._unset_keepalive_if_required()
        if not self._answer_at_once(cycle):
            extended = _Extended(self, cycle, app)
            super()._start_asgi_task(cycle, cast(ASGI3Application, extended))

    def _answer_at_once(self, cycle: RequestResponseCycle) -> bool:
        # What would need more than one write is left to uvicorn.
        if not cycle.keep_alive or self.pipeline or self.flow.write_paused:
            return False
        answer = self._at_once(cast(dict[str, Any], cycle.scope))
        if answer is None:
            return False
        own = b"".join(b"%b: %b\r\n" % header for header in self.server_state.default_headers)
        first = status_line(answer.status, answer.reason)
        self.transport.writelines([first + own + answer.lines, answer.body])
        cycle.response_started = cycle.response_complete = True
        self.on_response_complete()
        return True


class _Extended:
    """The application, with what ``send`` can do more than uvicorn's."""

    def __init__(
        self, connection: Connection, cycle: RequestResponseCycle, app: ASGI3Application
    ) -> None:
        self._connection = connection
        self._cycle = cycle
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def extended(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                await self._start(message, send)
            elif message["type"] == ZERO_COPY:
                await self._send_file(message)
            else:
                await send(message)
            if self._cycle.disconnected:
                raise ConnectionResetError("the client went away")

        # What TLS sends has to be encrypted first.
        scope["extensions"] = {} if scope["scheme"] == "https" else {ZERO_COPY: {}}
        await self._app(scope, receive, cast(Any, extended))

    async def _start(self, message: dict[str, Any], send: Send) -> None:
        given = [value for name, value in message["headers"] if name == REASON]
        if not given:
            await send(message)
            return
        headers = [(name, value) for name, value in message["headers"] if name != REASON]
        status = message["status"]
        transport = self._cycle.transport
        line = status_line(status, given[0].decode("latin-1"))
        self._cycle.transport = cast(Any, _StatusLine(transport, STATUS_LINE[status], line))
        try:
            await send({**message, "headers": headers})
        finally:
            self._cycle.transport = transport

    async def _send_file(self, message: dict[str, Any]) -> None:
        cycle, start, count = self._cycle, message["offset"], message["count"]
        transport, flow = cycle.transport, cycle.flow
        # The kernel sends behind the transport's back: what was written has to have left before, and
        # what else the client asks comes later.
        flow.pause_reading()
        transport.set_write_buffer_limits(0)
        await flow.drain()
        if transport.is_closing():
            cycle.disconnected = True
            return
        try:
            with transport.get_extra_info("socket").dup() as connection:
                await send_file(connection, message["file"], start, start + count)
        except (OSError, EOFError) as error:
            if getattr(error, "errno", None) == errno.EIO:  # the disk's, not the network's
                raise
            transport.abort()
            cycle.disconnected = True
            return
        transport.set_write_buffer_limits()
        cycle.expected_content_length -= count


class _StatusLine:
    """A transport whose first line is another one than uvicorn's."""

    def __init__(self, transport: Any, usual: bytes, line: bytes) -> None:
        self._transport = transport
        self._usual = usual
        self._line = line

    def write(self, head: bytes) -> None:
        self._transport.write(self._line + head.removeprefix(self._usual))


@lru_cache(maxsize=1024)
def status_line(status: int, reason: str) -> bytes:
    """The first line of an answer; without a reason, with the status's own phrase."""
    return b"HTTP/1.1 %d %b\r\n" % (status, phrase(reason)) if reason else STATUS_LINE[status]


def phrase(text: str) -> bytes:
    """``text`` as a reason phrase can be: printable ASCII, of bounded length (RFC 9112, 4)."""
    printable = re.sub(r"[^ -~]", "?", text)
    return (printable if len(printable) <= _LONGEST else printable[:_LONGEST] + "...").encode()
