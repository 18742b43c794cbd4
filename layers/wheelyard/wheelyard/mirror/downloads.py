"""Upstream files on their way into the store, each fetched once however many want it.

A download runs in a thread of its own, so that it goes on when the client that wanted it first goes
away. Nobody sees the file in the store before every digest that the page promises is right.
"""

import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Condition, Lock, Thread
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from wheelyard.errors import KeyExists, TooLarge, UpstreamMismatch, UpstreamUnavailable
from wheelyard.mirror.deadline import Deadline
from wheelyard.mirror.state import MirroredFile
from wheelyard.storage.store import CHUNK, Store

if TYPE_CHECKING:
    from pathlib import Path

    from wheelyard.mirror.upstream import Upstream
    from wheelyard.storage.staging import StagedFile

_logger = logging.getLogger(__name__)

_ATTEMPTS = 3
_MOST_DIGITS = 19
# Seconds after which who follows a download is told that nothing arrives.
_SILENCE = 1.0


class Order(NamedTuple):
    """What to fetch, and what to do with it.

    ``most``    bytes that are accepted
    ``record``  called with the SHA-256 once the file is stored
    """

    key: str
    filename: str
    file: MirroredFile
    most: int
    record: Callable[[str], None]


class Download:
    """One file on its way."""

    def __init__(self, order: Order, store: Store) -> None:
        self.order = order
        self.total: int | None = None
        """Bytes of the whole file, once upstream said it."""
        self.sha256 = ""
        """The digest, once the file is stored."""
        self._store = store
        self._path: Path | None = None
        self._written = 0
        self._attempt = 0
        self._done = False
        self._error: BaseException | None = None
        self._changed = Condition()

    def wait(self, seconds: float) -> bool:
        """Wait until the download is over, at most so long; returns whether it is.

        Raises what it ended with where it failed.
        """
        with self._changed:
            over = self._changed.wait_for(lambda: self._done, seconds)
        if over and self._error is not None:
            raise self._error
        return over

    def follow(self) -> Iterator[bytes]:
        """The bytes as they arrive, and an empty chunk after each second without any, for who waits for
        them to look whether anybody still wants them.

        The last byte comes when all digests are right, and not before: who announces ``total`` bytes
        never sends a wrong file as a whole one. Raises what the download ended with where it failed.
        """
        assert self.total is not None  # noqa: S101  # the caller has looked
        attempt, path, sent = self._attempt, self._path, 0
        try:
            file = path.open("rb") if path else None
        except FileNotFoundError:  # it is in the store by now
            file = None
        if file is None:
            while not self.wait(_SILENCE):
                yield b""
            yield from self._store.read(self.order.key)
            return
        with file:
            while sent < self.total:
                ready = self._ready(sent, attempt)
                if ready == sent:
                    yield b""
                while sent < ready and (chunk := file.read(min(CHUNK, ready - sent))):
                    sent += len(chunk)
                    yield chunk

    def _ready(self, sent: int, attempt: int) -> int:
        """How many bytes may be sent: more than ``sent``, unless there are no more after a while."""
        assert self.total is not None  # noqa: S101
        total = self.total
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    self._done or min(self._written, total - 1) > sent or self._attempt != attempt
                ),
                _SILENCE,
            )
            if self._error is not None:
                raise self._error
            if self._done:
                return total
            if self._attempt != attempt:
                raise UpstreamUnavailable("upstream broke off, and the file is fetched anew")
            return min(self._written, total - 1)

    # --- the thread's side ---

    def run(self, upstream: "Upstream", deadline: Deadline) -> None:
        """Fetch, check and store the file."""
        # Not needed where everything is stored already.
        from wheelyard.storage.staging import StagedFile

        error: BaseException | None = None
        try:
            with StagedFile(self._store.staging()) as staged:
                self._fetch(staged, upstream, deadline)
                with suppress(KeyExists):  # another process was faster
                    self._store.create_from(self.order.key, staged.path)
                self.order.record(self.sha256)
        except BaseException as caught:  # it is raised by those who wait, if anybody still does
            error = caught
            _logger.warning("%s was not fetched: %s", self.order.filename, caught)
        with self._changed:
            self._done, self._error = True, error
            self._changed.notify_all()

    def _fetch(self, staged: "StagedFile", upstream: "Upstream", deadline: Deadline) -> None:
        for attempt in range(1, _ATTEMPTS + 1):
            staged.file.seek(0)
            staged.file.truncate()
            with self._changed:
                self._path, self._written, self._attempt = staged.path, 0, attempt
                self._changed.notify_all()
            try:
                self._check(self._receive(staged.file, upstream, deadline))
            except UpstreamUnavailable as error:
                if attempt == _ATTEMPTS:
                    raise
                _logger.info("%s is fetched again: %s", self.order.filename, error)
            else:
                return

    def _receive(
        self, target: BinaryIO, upstream: "Upstream", deadline: Deadline
    ) -> "dict[str, hashlib._Hash]":
        from wheelyard.mirror.upstream import require

        digests = {name: hashlib.new(name) for name in {"sha256", *self.order.file.hashes}}
        # What is stored must be the very bytes, so no content encoding is wanted or undone.
        headers = {"accept-encoding": "identity"}
        with upstream.get(self.order.file.url, headers, deadline) as answer:
            require(answer, 200)
            length = answer.headers.get("content-length", "")
            # Python reads no number of thousands of digits.
            known = length.isdecimal() and len(length) < _MOST_DIGITS
            self._announce(int(length) if known else None)
            for chunk in answer.chunks(decode=False):
                for digest in digests.values():
                    digest.update(chunk)
                target.write(chunk)
                target.flush()  # for those who follow
                self._advance(len(chunk))
        return digests

    def _announce(self, total: int | None) -> None:
        self._bound(total or 0)
        with self._changed:
            self.total = total
            self._changed.notify_all()

    def _advance(self, count: int) -> None:
        self._bound(self._written + count)
        with self._changed:
            self._written += count
            self._changed.notify_all()

    def _bound(self, size: int) -> None:
        if size > self.order.most:
            raise TooLarge(
                f"{self.order.filename!r} has more than {self.order.most} bytes at upstream"
            )

    def _check(self, digests: "dict[str, hashlib._Hash]") -> None:
        for name, promised in self.order.file.hashes.items():
            found = digests[name].hexdigest()
            if found != promised:
                raise UpstreamMismatch(
                    f"{self.order.filename!r} has the {name} {found} at upstream, but its page there "
                    f"promises {promised}: nothing was stored"
                )
        self.sha256 = digests["sha256"].hexdigest()


class Downloads:
    """The downloads under way in this process."""

    def __init__(self, store: Store, upstream: "Callable[[], Upstream]") -> None:
        self._store = store
        self._upstream = upstream
        self._running: dict[str, Download] = {}
        self._lock = Lock()

    def join(self, order: Order, deadline: Deadline) -> Download:
        """The download of a file: the one under way, or a new one with this deadline."""
        upstream = self._upstream()
        with self._lock:
            running = self._running.get(order.key)
            if running is not None:
                return running
            started = self._running[order.key] = Download(order, self._store)
        Thread(target=self._run, args=(started, upstream, deadline), daemon=True).start()
        return started

    def _run(self, download: Download, upstream: "Upstream", deadline: Deadline) -> None:
        try:
            download.run(upstream, deadline)
        finally:
            with self._lock:
                del self._running[download.order.key]
