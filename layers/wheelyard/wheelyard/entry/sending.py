"""A file's bytes sent by the kernel (``sendfile``), on any event loop.

No thread is held, however slow the client: the loop waits until the socket takes more. asyncio's own
``loop.sendfile`` does the same, but uvloop has none. Both let a duplicate of a connection's socket be
watched.
"""

import asyncio
import os
import socket
from typing import BinaryIO

# Bytes after which others have their turn.
_TURN = 2 * 1024 * 1024
# Only full segments leave while a file is sent, as by nginx's tcp_nopush.
_CORK = getattr(socket, "TCP_CORK", None)


async def send_file(connection: socket.socket, file: BinaryIO, start: int, end: int) -> None:
    """Send the bytes ``start`` up to, not including, ``end`` of ``file`` over a non-blocking socket.

    ``connection`` is a duplicate of one that the event loop knows. Raises ``OSError`` where the client
    went away or the disk failed, and ``EOFError`` where the file is shorter.
    """
    loop = asyncio.get_running_loop()
    sent: asyncio.Future[None] = loop.create_future()

    def send() -> None:
        nonlocal start
        if sent.done():
            return
        try:
            count = os.sendfile(connection.fileno(), file.fileno(), start, min(end - start, _TURN))
        except BlockingIOError:
            return
        except OSError as error:
            sent.set_exception(error)
            return
        start += count
        if not count:
            sent.set_exception(EOFError(f"the file ended {end - start} bytes too early"))
        elif start >= end:
            sent.set_result(None)

    _cork(connection, 1)
    try:
        send()
        if not sent.done():
            loop.add_writer(connection, send)
        await sent
    finally:
        loop.remove_writer(connection)
        _cork(connection, 0)


def _cork(connection: socket.socket, on: int) -> None:
    if _CORK is not None:
        connection.setsockopt(socket.IPPROTO_TCP, _CORK, on)
