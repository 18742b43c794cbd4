"""Files that take longer than clients wait in silence, or than a short-lived process has."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from distributions import build_wheel
from indexes import random_bytes
from upstream import Answer, Upstream
from wheelyard.errors import UpstreamError, UpstreamMismatch, UpstreamUnavailable
from wheelyard.mirror.deadline import Deadline
from wheelyard.mirror.downloads import Download
from wheelyard.mirror.files import FileElsewhere, FileLimits, Files, StoredFile
from wheelyard.mirror.location import Locator
from wheelyard.mirror.state import MirroredFile
from wheelyard.mirror.stored import StoredProjects
from wheelyard.mirror.upstream import Upstream as Client
from wheelyard.protocol.names import ProjectName, project_name
from wheelyard.storage import keys
from wheelyard.storage.directory import DirectoryStore

WHEEL = build_wheel("demo", "1.0", files={"demo/data": random_bytes(2_000_000)})
HALF = len(WHEEL.content) // 2
NAME = project_name("demo")
PATH = f"/files/demo/{WHEEL.filename}"


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    """A store on this machine."""
    return DirectoryStore(tmp_path / "store")


def files(
    store: DirectoryStore,
    url: str,
    limits: FileLimits,
    hand_over: Callable[[ProjectName, str], None] | None = None,
) -> Files:
    """What is tested; its client does not wait between attempts."""
    client = Client(Locator(url, time.monotonic).find, 5, lambda _: None)
    return Files(store, StoredProjects(store), lambda: client, limits, hand_over)


def source(upstream: Upstream, **fields: object) -> MirroredFile:
    """The wheel at upstream."""
    made = MirroredFile(f"{upstream.url}{PATH}", {"sha256": WHEEL.sha256}, len(WHEEL.content))
    return made._replace(**fields)  # type: ignore[arg-type]


def halves(gate: threading.Event, content: bytes = WHEEL.content) -> Iterator[bytes]:
    """The file, the second half of it when the gate opens."""
    yield content[:HALF]
    gate.wait(30)
    yield content[HALF:]


def slow(gate: threading.Event, content: bytes = WHEEL.content) -> Answer:
    """An answer that stops in the middle until the gate opens."""
    return Answer(body=halves(gate, content), content_length=len(content))


STREAMING = FileLimits(most=10**9, redirect=0, silence=0.05)


def arriving(store: DirectoryStore, upstream: Upstream, answer: Answer) -> Download:
    """A download that has begun."""
    upstream.add(WHEEL)
    upstream.answer(PATH, answer)
    found = files(store, upstream.index, STREAMING).find(
        NAME, WHEEL.filename, source(upstream), Deadline(20)
    )
    assert isinstance(found, Download)
    return found


def test_a_slow_file_is_streamed(store: DirectoryStore, upstream: Upstream) -> None:
    """A client gets the bytes as they arrive, and the whole file once it is checked and stored."""
    gate = threading.Event()
    download = arriving(store, upstream, slow(gate))
    assert download.total == len(WHEEL.content)
    chunks = download.follow()
    first = b""
    while len(first) < HALF:
        first += next(chunks)
    assert first == WHEEL.content[:HALF]
    assert list(store.list("mirror/")) == []
    gate.set()
    assert first + b"".join(chunks) == WHEEL.content
    assert b"".join(store.read(keys.mirror_file(NAME, WHEEL.filename))) == WHEEL.content
    assert b"".join(download.follow()) == WHEEL.content


def test_a_wrong_file_is_never_streamed_whole(
    store: DirectoryStore, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    """Of a file with a wrong digest the end never comes, nothing is stored, and it is logged."""
    gate = threading.Event()
    wrong = WHEEL.content[:-1] + b"?"
    download = arriving(store, upstream, slow(gate, wrong))
    gate.set()
    got = bytearray()
    with pytest.raises(UpstreamMismatch, match=WHEEL.sha256):
        got.extend(byte for chunk in download.follow() for byte in chunk)
    assert len(got) < len(WHEEL.content)
    assert WHEEL.sha256 in caplog.text
    assert list(store.list("mirror/")) == []


def test_a_file_that_begins_anew(store: DirectoryStore, upstream: Upstream) -> None:
    """A client that follows a download that broke off is told, rather than given a mixture."""
    gate = threading.Event()
    broken = Answer(body=WHEEL.content[:HALF], content_length=len(WHEEL.content))
    download = arriving(store, upstream, slow(gate, WHEEL.content[: HALF + 1000]))
    upstream.answer(PATH, broken)
    chunks = download.follow()
    next(chunks)
    upstream.stop()
    gate.set()
    with pytest.raises(UpstreamError):
        b"".join(chunks)
    assert list(store.list("mirror/")) == []


# --- a process that ends with its request ---


class Orders:
    """Remembers what was handed over."""

    def __init__(self) -> None:
        self.made: list[tuple[str, str]] = []

    def __call__(self, name: ProjectName, filename: str) -> None:
        self.made.append((name, filename))


SHORT = FileLimits(most=10**9, redirect=1000)


def test_a_large_file_is_handed_over(store: DirectoryStore, upstream: Upstream) -> None:
    """Above the size, clients are sent to upstream, and the file is fetched by somebody else, once."""
    upstream.add(WHEEL)
    orders = Orders()
    short = files(store, upstream.index, SHORT, orders)
    for _ in range(3):
        found = short.find(NAME, WHEEL.filename, source(upstream), Deadline(20))
        assert found == FileElsewhere(f"{upstream.url}{PATH}")
    assert orders.made == [(NAME, WHEEL.filename)]
    assert upstream.asked == []


def test_a_large_file_of_unknown_size(store: DirectoryStore, upstream: Upstream) -> None:
    """Where the page does not say how large it is, upstream's answer does."""
    upstream.add(WHEEL)
    orders = Orders()
    short = files(store, upstream.index, SHORT, orders)
    found = short.find(NAME, WHEEL.filename, source(upstream, size=None), Deadline(20))
    assert found == FileElsewhere(f"{upstream.url}{PATH}")
    assert orders.made == [(NAME, WHEEL.filename)]


def test_no_time_left(store: DirectoryStore, upstream: Upstream) -> None:
    """A file that does not arrive within the request is handed over too."""
    upstream.add(WHEEL)
    orders = Orders()
    short = files(store, upstream.index, FileLimits(10**9, 10**8), orders)
    with upstream.hold(PATH):
        found = short.find(NAME, WHEEL.filename, source(upstream), Deadline(0.2))
    assert found == FileElsewhere(f"{upstream.url}{PATH}")
    assert orders.made == [(NAME, WHEEL.filename)]


def test_credentials_are_not_handed_out(store: DirectoryStore, upstream: Upstream) -> None:
    """Where upstream wants our credentials, clients wait until the file is here."""
    upstream.add(WHEEL)
    orders = Orders()
    short = files(store, upstream.with_credentials(), SHORT, orders)
    with pytest.raises(UpstreamUnavailable) as caught:
        short.find(NAME, WHEEL.filename, source(upstream), Deadline(20))
    assert caught.value.retry_after
    assert orders.made == [(NAME, WHEEL.filename)]


def test_a_small_file_is_fetched_at_once(store: DirectoryStore, upstream: Upstream) -> None:
    """Below the size, a process that ends with its request fetches the file while the client waits."""
    upstream.add(WHEEL)
    orders = Orders()
    short = files(store, upstream.index, FileLimits(10**9, 10**8), orders)
    found = short.find(NAME, WHEEL.filename, source(upstream), Deadline(20))
    assert found == StoredFile(keys.mirror_file(NAME, WHEEL.filename), WHEEL.sha256, True)
    assert orders.made == []


def test_never_redirected(store: DirectoryStore, upstream: Upstream) -> None:
    """With the size at 0 clients wait until the file is here, however long that takes."""
    upstream.add(WHEEL)
    orders = Orders()
    short = files(store, upstream.index, FileLimits(10**9, 0), orders)
    with upstream.hold(PATH), pytest.raises(UpstreamUnavailable) as caught:
        short.find(NAME, WHEEL.filename, source(upstream), Deadline(0.2))
    assert caught.value.retry_after
    assert orders.made == [(NAME, WHEEL.filename)]


def test_one_machine_fetches_itself(store: DirectoryStore, upstream: Upstream) -> None:
    """A process that lives on redirects nobody: its clients may not reach upstream."""
    upstream.add(WHEEL)
    long = files(store, upstream.index, SHORT)
    found = long.find(NAME, WHEEL.filename, source(upstream), Deadline(20))
    assert found == StoredFile(keys.mirror_file(NAME, WHEEL.filename), WHEEL.sha256, True)
