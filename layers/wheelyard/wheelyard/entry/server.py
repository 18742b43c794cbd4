"""The one-machine server: the application on uvicorn, by ASGI.

The application is the one that Lambda runs, and is synchronous: each request is answered on a thread
of a pool, and bodies are streamed between it and the event loop in both directions. What needs no waiting
is answered by the event loop itself, and files are sent by the kernel.
"""

import asyncio
import logging
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from secrets import token_hex
from typing import Any, NamedTuple

import uvicorn

from wheelyard.entry.application import application
from wheelyard.entry.connection import REASON, ZERO_COPY, Connection, Immediate
from wheelyard.entry.events.incoming import mounted
from wheelyard.entry.http import FileBody, Headers, Request, Response
from wheelyard.entry.logs import JsonFormatter, RequestLog, log_request
from wheelyard.entry.routes import Application
from wheelyard.errors import InvalidUpload
from wheelyard.settings import Settings
from wheelyard.storage.opening import open_store
from wheelyard.storage.store import CHUNK

_logger = logging.getLogger(__name__)

# The processes that answer learn by this variable which store to open.
STORE_VARIABLE = "WHEELYARD_STORE"

_THREADS = 64
# An answer that comes before the body was read, such as 401 to an upload, is lost to most clients,
# since they are still writing: so the rest is read first, up to this many bytes.
_DRAINED = 512 * 1024 * 1024
# Seconds that a client may send nothing of a body that it announced.
_PATIENCE = 60.0
# Seconds that requests under way have when the server is told to stop.
_GRACE = 30

# A request that has a body, or may have one, is not answered before that was read.
_NO_BODY = {"content-length", "transfer-encoding", "expect"}

# Where the scope has the answer to a request, if nobody has to work for it.
_KNOWN = "wheelyard.known"

Handler = Callable[[Request], Response]
# https://asgi.readthedocs.io/en/latest/specs/www.html: ``Send`` raises ``OSError`` once the client is gone.
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Server:
    """An ASGI application around the index."""

    def __init__(
        self,
        handler: Handler,
        patience: float = _PATIENCE,
        at_once: Callable[[Request], Response | None] | None = None,
        base_path: str = "",
        log: Callable[[Request, Response, float], None] = log_request,
    ) -> None:
        """``patience``: seconds after which a client that stopped sending its body is given up.

        ``at_once`` gives whole answers where that needs no waiting: the event loop stands still meanwhile.
        ``base_path`` is what a front has before our paths (``API_GATEWAY_BASE_PATH``). ``log`` is told of
        every request and how many seconds it took.
        """
        self._base_path = base_path
        self._handler = handler
        self._at_once = at_once
        self._log = log
        self._patience = patience
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="read")
        # Uploads take as long as their clients like, and readers do not wait for them.
        self._uploads = ThreadPoolExecutor(_THREADS, thread_name_prefix="upload")
        # So does what a mirror passes on while it arrives.
        self._streams = ThreadPoolExecutor(_THREADS, thread_name_prefix="stream")

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        loop = asyncio.get_running_loop()
        body = _Body(receive, loop, self._patience)
        request = _request(scope, body, self._base_path)
        reads = request.method in ("GET", "HEAD")
        started = time.perf_counter()
        pool = self._pool if reads else self._uploads
        response: Response | None = scope.get(_KNOWN)
        if response is None:
            response = await loop.run_in_executor(pool, self._handler, request)
        if not reads:
            await body.drain(_DRAINED)
        with suppress(ConnectionError):  # the client went away
            await self._send(send, scope, request, response)
        self._log(request, response, time.perf_counter() - started)

    def at_once(self, scope: MutableMapping[str, Any]) -> Immediate | None:
        """The answer to a request that needs no waiting, None for any other.

        Where the answer is a file to be sent, it is left in the scope.
        """
        if self._at_once is None or scope["method"] not in ("GET", "HEAD"):
            return None
        started = time.perf_counter()
        request = _request(scope, (), self._base_path)
        if not _NO_BODY.isdisjoint(request.headers):
            return None
        response = self._at_once(request)
        if response is None or not isinstance(response.body, bytes):
            scope[_KNOWN] = response
            return None
        self._log(request, response, time.perf_counter() - started)
        return Immediate(response.status, _lines(response.headers), response.body, response.reason)

    async def _send(
        self, send: Send, scope: Mapping[str, Any], request: Request, response: Response
    ) -> None:
        headers = [(name.encode(), value.encode("latin-1")) for name, value in response.headers]
        if response.reason:
            headers.append((REASON, response.reason.encode("latin-1", "replace")))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        body = response.body
        if request.method == "HEAD" or response.status == 304:
            body = b""
        if isinstance(body, FileBody) and ZERO_COPY in scope.get("extensions", ()):
            await self._send_file(send, body)
            body = b""
        elif not isinstance(body, bytes):
            await self._stream(send, body)
            body = b""
        await send({"type": "http.response.body", "body": body})

    async def _send_file(self, send: Send, body: FileBody) -> None:
        # No waiting: whoever answered has just looked at it.
        with body.path.open("rb") as file:
            count = body.end - body.start
            await send({"type": ZERO_COPY, "file": file, "offset": body.start, "count": count})

    async def _stream(self, send: Send, body: FileBody | Iterable[bytes]) -> None:
        loop = asyncio.get_running_loop()
        pool = self._pool if isinstance(body, FileBody) else self._streams
        chunks = _chunks(body)
        while (chunk := await loop.run_in_executor(pool, next, chunks, None)) is not None:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})


def _chunks(body: FileBody | Iterable[bytes]) -> Iterator[bytes]:
    if not isinstance(body, FileBody):
        yield from body
        return
    with body.path.open("rb") as file:
        left = body.end - file.seek(body.start)
        while left > 0 and (chunk := file.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk


async def _live(receive: Receive, send: Send) -> None:
    """From the start of a process to its end: one whose parent was killed gives the port up."""
    loop, parent = asyncio.get_running_loop(), multiprocessing.parent_process()
    await receive()
    if parent is not None:
        loop.add_reader(parent.sentinel, _stop_without_parent, loop, parent.sentinel)
    _logger.info("started")
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


def _stop_without_parent(loop: asyncio.AbstractEventLoop, sentinel: int) -> None:
    loop.remove_reader(sentinel)
    os.kill(os.getpid(), signal.SIGTERM)


class _Body(Iterable[bytes]):
    """A request's body, read by the thread that answers it while it arrives."""

    def __init__(self, receive: Receive, loop: asyncio.AbstractEventLoop, patience: float) -> None:
        self._receive = receive
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
        message = await self._receive()
        # A client that went away ends its body there, as a form that is cut off.
        self._ended = message["type"] != "http.request" or not message.get("more_body", False)
        return bytes(message.get("body", b""))

    async def drain(self, most: int) -> None:
        """Read on to the end, or until ``most`` bytes were thrown away, or for as long as one waits."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                while not self._ended and most > 0:
                    most -= len(await self._next())


def _request(scope: Mapping[str, Any], body: Iterable[bytes], base_path: str) -> Request:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        # Header lines of one name are one list (RFC 9110, 5.3).
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    place = mounted(scope["path"], base_path)
    return Request(
        method=scope["method"],
        path=place.path,
        base=place.base,
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        body=body,
        scheme=scope["scheme"],
        host=headers.get("host", ""),
        client=scope["client"][0] if scope.get("client") else "",
        id=token_hex(8),
    )


@lru_cache(maxsize=1024)
def _lines(headers: Headers) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return f"{lines}\r\n".encode("latin-1")


class ServeOptions(NamedTuple):
    """How to serve: where to listen, from which store, with how many processes."""

    store: str
    host: str
    port: int
    workers: int
    certificate: str | None = None
    """The file of the server's certificate, and those up to its authority; None is for HTTP."""
    key: str | None = None
    """The file of its private key, where that is another one."""

    @property
    def scheme(self) -> str:
        """How clients address it."""
        return "https" if self.certificate else "http"


def serve(options: ServeOptions) -> None:
    """Serve until interrupted or terminated; requests under way are finished first."""
    os.environ[STORE_VARIABLE] = options.store
    # uvicorn raises the signal that stopped it once more when it has stopped; then both are the same.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    uvicorn.run(
        f"{__name__}:from_environment",
        factory=True,
        host=options.host,
        port=options.port,
        ssl_certfile=options.certificate,
        ssl_keyfile=options.key,
        workers=options.workers,
        http=Connection,
        # uvloop, where there is one for this machine.
        loop="auto",
        ws="none",
        lifespan="on",
        proxy_headers=False,
        server_header=False,
        log_config=None,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=_GRACE,
    )


def from_environment() -> Server:
    """The server of one worker process."""
    settings = Settings.from_env(os.environ)
    index = _index(settings, os.environ)
    logs = sys.stderr is not None and logging.getLogger().isEnabledFor(logging.INFO)
    log = RequestLog(sys.stderr) if logs else log_request
    return Server(index, at_once=index.at_once, base_path=settings.base_path, log=log)


def _index(settings: Settings, env: Mapping[str, str]) -> Application:
    log_to_standard_error(settings.logging_level)
    store = open_store(env[STORE_VARIABLE], env, settings.presign_lifetime)
    return application(settings, store, remembers=True)


def log_to_standard_error(level: str) -> None:
    """Send every log line there, as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
