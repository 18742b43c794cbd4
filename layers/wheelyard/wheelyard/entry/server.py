"""The one-machine server: the application on granian, by its RSGI interface.

The application is the one that Lambda runs, and is synchronous: each request is answered on a thread
of a pool, and bodies are streamed between it and the event loop in both directions.
"""

import asyncio
import logging
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple

from wheelyard.entry.application import application
from wheelyard.entry.http import FileBody, Request, Response
from wheelyard.entry.logs import JsonFormatter, log_request
from wheelyard.errors import InvalidUpload
from wheelyard.settings import Settings
from wheelyard.storage.opening import open_store

# The worker processes learn by this variable which store to open.
STORE_VARIABLE = "WHEELYARD_STORE"

_THREADS = 64
# An answer that comes before the body was read, such as 401 to an upload, is lost to most clients,
# since they are still writing: so the rest is read first, up to this many bytes.
_DRAINED = 512 * 1024 * 1024
# Seconds that a client may send nothing of a body that it announced.
_PATIENCE = 60.0

Handler = Callable[[Request], Response]


class Server:
    """An RSGI application around the index."""

    def __init__(self, handler: Handler, patience: float = _PATIENCE) -> None:
        """``patience``: seconds after which a client that stopped sending its body is given up."""
        self._handler = handler
        self._patience = patience
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="read")
        # Uploads take as long as their clients like, and readers do not wait for them.
        self._uploads = ThreadPoolExecutor(_THREADS, thread_name_prefix="upload")

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Called before the first request: a worker whose parent was killed gives the port up."""
        if (parent := multiprocessing.parent_process()) is not None:
            loop.add_reader(parent.sentinel, _stop_without_parent, loop, parent.sentinel)

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Called after the last request: leave without tidying the interpreter up.

        granian's threads still run, and the process would abort when one of them asks for the
        interpreter meanwhile.
        """
        logging.shutdown()
        os._exit(0)

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        """Answer one request (https://github.com/emmett-framework/granian, "RSGI")."""
        if scope.proto != "http":
            return
        loop = asyncio.get_running_loop()
        body = _Body(aiter(proto), loop, self._patience)
        request = _request(scope, body)
        reads = request.method in ("GET", "HEAD")
        started = time.perf_counter()
        pool = self._pool if reads else self._uploads
        response = await loop.run_in_executor(pool, self._handler, request)
        if not reads:
            await body.drain(_DRAINED)
        await self._send(loop, proto, request, response)
        log_request(request, response, time.perf_counter() - started)

    async def _send(
        self, loop: asyncio.AbstractEventLoop, proto: Any, request: Request, response: Response
    ) -> None:
        headers, body = list(response.headers), response.body
        if request.method == "HEAD" or response.status == 304:
            proto.response_empty(response.status, headers)
        elif isinstance(body, bytes):
            proto.response_bytes(response.status, headers, body)
        elif isinstance(body, FileBody) and response.status == 206:
            path = str(body.path)
            proto.response_file_range(response.status, headers, path, body.start, body.end)
        elif isinstance(body, FileBody):
            proto.response_file(response.status, headers, str(body.path))
        else:
            await self._stream(loop, proto.response_stream(response.status, headers), iter(body))

    async def _stream(
        self, loop: asyncio.AbstractEventLoop, transport: Any, chunks: Iterator[bytes]
    ) -> None:
        while chunk := await loop.run_in_executor(self._pool, next, chunks, b""):
            await transport.send_bytes(chunk)


def _stop_without_parent(loop: asyncio.AbstractEventLoop, sentinel: int) -> None:
    loop.remove_reader(sentinel)
    os.kill(os.getpid(), signal.SIGTERM)


class _Body(Iterable[bytes]):
    """A request's body, read by the thread that answers it while it arrives."""

    def __init__(
        self, chunks: AsyncIterator[bytes], loop: asyncio.AbstractEventLoop, patience: float
    ) -> None:
        self._chunks = chunks
        self._loop = loop
        self._patience = patience
        self._ended = False

    def __iter__(self) -> Iterator[bytes]:
        """Raises ``InvalidUpload`` where the client has stopped sending."""
        while not self._ended:
            arriving = asyncio.run_coroutine_threadsafe(self._next(), self._loop)
            try:
                yield arriving.result(self._patience)
            except TimeoutError as error:
                arriving.cancel()
                self._ended = True
                raise InvalidUpload(
                    f"nothing more arrived for {self._patience:g} s: send the file again"
                ) from error

    async def _next(self) -> bytes:
        try:
            return bytes(await anext(self._chunks))
        except StopAsyncIteration:
            self._ended = True
            return b""

    async def drain(self, most: int) -> None:
        """Read on to the end, or until ``most`` bytes were thrown away, or for as long as one waits."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                while not self._ended and most > 0:
                    most -= len(await self._next())


def _request(scope: Any, body: Iterable[bytes]) -> Request:
    headers = _joined(scope.headers.items())
    return Request(
        method=scope.method,
        path=scope.path,
        query=scope.query_string,
        headers=headers,
        body=body,
        scheme=scope.scheme,
        host=headers.get("host") or scope.authority or "",
        client=scope.client.rpartition(":")[0],
    )


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Header lines of one name are one list (RFC 9110, 5.3)."""
    headers: dict[str, str] = {}
    for name, value in pairs:
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


class ServeOptions(NamedTuple):
    """How to serve: where to listen, from which store, with how many processes."""

    store: str
    host: str
    port: int
    workers: int


def serve(options: ServeOptions) -> None:
    """Serve until interrupted or terminated; requests under way are finished first."""
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    os.environ[STORE_VARIABLE] = options.store
    # The threads of an S3 client that this process used do not live on in a forked one.
    multiprocessing.set_start_method("spawn", force=True)
    Granian(
        f"{__name__}:from_environment",
        address=options.host,
        port=options.port,
        interface=Interfaces.RSGI,
        workers=options.workers,
        workers_kill_timeout=30,
        respawn_failed_workers=True,
        websockets=False,
        factory=True,
        log_level=LogLevels.warning,
        log_dictconfig={"loggers": {"_granian": {}}},  # no lines of another form than ours
    ).serve()


def from_environment() -> Server:
    """The server of one worker process."""
    return Server(_handler(os.environ))


def _handler(env: Mapping[str, str]) -> Handler:
    settings = Settings.from_env(env)
    log_to_standard_error(settings.logging_level)
    store = open_store(env[STORE_VARIABLE], env, settings.presign_lifetime)
    return application(settings, store)


def log_to_standard_error(level: str) -> None:
    """Send every log line there, as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
