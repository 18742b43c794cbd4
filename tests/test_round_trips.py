"""What each kind of request asks of the store: how often, and how many bytes, however many projects.

On S3 every operation is a round trip of some 20 ms, and what is read is paid for in every cold start.
Neither is noisy, so both are held here exactly; how long a request takes is the benchmark's business.
"""

from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

import pytest

from counting import CountedStore
from distributions import BuiltDistribution, build_wheel
from indexes import JSON, Index
from snapshot_files import put_snapshot
from wheelyard.entry.application import application
from wheelyard.entry.http import Response
from wheelyard.index.catalogue import Catalogue
from wheelyard.mirror.state import State, dump_state
from wheelyard.mirror.stored import digest_of
from wheelyard.protocol.model import Project
from wheelyard.protocol.names import ProjectName, project_name
from wheelyard.protocol.simple import project_json
from wheelyard.settings import Settings
from wheelyard.storage import keys

WHEEL = build_wheel("acme-tools", "1.0")
NEXT = build_wheel("acme-tools", "2.0")
PAGE = "/simple/acme-tools/"
UPSTREAM = {"UPSTREAM_INDEX_URL": "https://upstream.example/simple/"}
SOURCE = sha256(UPSTREAM["UPSTREAM_INDEX_URL"].encode()).hexdigest()[:32]
FLASK = project_name("flask")


class Catalogued(NamedTuple):
    """How many projects there are besides those that are asked for."""

    private: int
    upstream: int


SMALL, LARGE = Catalogued(10, 1_000), Catalogued(2_000, 20_000)


class Process(Index):
    """The index in a function's process that has just started, over a store with a catalogue."""

    def __init__(self, size: Catalogued = SMALL) -> None:
        self.counted = CountedStore()
        super().__init__(self.counted, UPSTREAM)
        names = {project_name(f"private-{number}") for number in range(size.private)}
        Catalogue(self.counted).correct(names, lambda _: False)
        upstream = {f"name-{number}": number for number in range(size.upstream)} | {"flask": 7}
        put_snapshot(self.counted, upstream, SOURCE)
        _mirror(self.counted, FLASK, serial=7)
        assert self.upload(WHEEL).status == 200
        self.start()

    def start(self) -> None:
        """As a new environment of the function starts: knowing nothing."""
        self.application = application(Settings.from_env(UPSTREAM), self.counted, clock=None)

    def count(self, answer: Callable[["Process"], Response], status: int) -> list[str]:
        """The operations of one request that is answered with ``status``."""
        self.counted.asked.clear()
        assert answer(self).status == status
        return [str(each) for each in self.counted.asked]

    def bytes_read(self) -> int:
        """By the request that was counted last."""
        return sum(each.read for each in self.counted.asked)


def _mirror(store: CountedStore, name: ProjectName, serial: int) -> None:
    """What is stored of an upstream project that somebody asked for before."""
    page = project_json(Project(name))
    state = State(SOURCE, None, 0, serial, serial, digest_of(page), None, {}, {})
    store.put(keys.mirror_urls(name), dump_state(state))
    store.put(keys.mirror_page(name), page)


def page(name: str = "acme-tools") -> Callable[[Process], Response]:
    """A GET of a project's page."""
    return lambda process: process.get(f"/simple/{name}/", JSON)


def get(path: str) -> Callable[[Process], Response]:
    """A GET of anything."""
    return lambda process: process.get(path, JSON)


def revalidate(process: Process) -> Response:
    """A GET of a page that the client has."""
    etag = Index.get(process, PAGE, JSON).header("etag") or ""
    process.counted.asked.clear()
    return process.get(PAGE, JSON, if_none_match=etag)


def upload(built: BuiltDistribution) -> Callable[[Process], Response]:
    """twine's POST."""
    return lambda process: process.upload(built)


USER, PROJECT, CATALOGUE = "get users", "get projects", "get catalogue"
# Written ahead of everything: who uploads what. Then the file and its metadata, and its entry on the page.
# In the end it is seen whether a deletion began meanwhile, or a session that failed took the file back.
PUBLISH = [
    "get tombstones",
    "create audit",
    "create packages",
    "create packages",
    "head packages",
    "get packages",
    PROJECT,
]
SETTLED = ["get tombstones", "head packages"]

COLD: list[tuple[str, Callable[[Process], Response], int, list[str]]] = [
    ("health", get("/-/health"), 200, []),
    ("no credentials", lambda process: process.ask("GET", PAGE, None), 401, []),
    ("page", page(), 200, [USER, PROJECT]),
    ("redirect to the name", page("Acme.Tools"), 301, [USER]),
    ("file", get(PAGE + WHEEL.filename), 302, [USER, PROJECT]),
    ("metadata", get(f"{PAGE}{WHEEL.filename}.metadata"), 200, [USER, PROJECT, "get packages"]),
    (
        "mirrored page",
        page("flask"),
        200,
        [USER, PROJECT, *["get upstream"] * 2, *["get mirror"] * 2],
    ),
    ("unknown project", page("nobody-has-this"), 404, [USER, PROJECT, *["get upstream"] * 2]),
    ("JSON API", get("/pypi/acme-tools/json"), 200, [USER, PROJECT, "get packages"]),
    (
        "upload, known project",
        upload(NEXT),
        200,
        [USER, PROJECT, *PUBLISH, "replace projects", CATALOGUE, *SETTLED],
    ),
    (
        "upload, new project",
        upload(build_wheel("acme-new", "1.0")),
        200,
        [USER, PROJECT, *PUBLISH, "create projects", CATALOGUE, "create catalogue", *SETTLED],
    ),
    ("upload, same file again", upload(WHEEL), 200, [USER, PROJECT, CATALOGUE]),
]

WARM: list[tuple[str, Callable[[Process], Response], int, list[str]]] = [
    ("page", page(), 200, ["get_unless projects"]),
    ("not modified", revalidate, 304, ["get_unless projects"]),
    ("file", get(PAGE + WHEEL.filename), 302, ["get_unless projects"]),
    ("mirrored page", page("flask"), 200, [PROJECT, "get_unless mirror"]),
    ("unknown project", page("nobody-has-this"), 404, [PROJECT]),
]


@pytest.mark.parametrize(
    ("answer", "status", "asked"), [case[1:] for case in COLD], ids=[case[0] for case in COLD]
)
def test_the_first_request_of_a_process(
    answer: Callable[[Process], Response], status: int, asked: list[str]
) -> None:
    """A request to a process that knows nothing makes exactly these round trips to the store."""
    assert Process().count(answer, status) == asked


@pytest.mark.parametrize(
    ("answer", "status", "asked"), [case[1:] for case in WARM], ids=[case[0] for case in WARM]
)
def test_a_request_like_the_one_before(
    answer: Callable[[Process], Response], status: int, asked: list[str]
) -> None:
    """A request that a process has had before costs one conditional read, and brings no bytes."""
    process = Process()
    answer(process)
    assert process.count(answer, status) == asked
    if status != 404:
        assert process.bytes_read() == 0


READS = ["page", "file", "metadata", "JSON API", "upload, known project", "upload, same file again"]


@pytest.mark.parametrize("kind", READS)
def test_bytes_read_whatever_the_size(kind: str) -> None:
    """What concerns one private project reads, but for its name's bucket, no byte more among 2,000."""
    answer, status = next((case[1], case[2]) for case in COLD if case[0] == kind)
    read = []
    for size in (SMALL, LARGE):
        process = Process(size)
        process.count(answer, status)
        read.append([each for each in process.counted.asked if each.folder != "catalogue"])
        assert process.bytes_read() < 4_000
    # The digits of a time are not always as many.
    assert [each[:2] for each in read[0]] == [each[:2] for each in read[1]]
    assert sum(each.read for each in read[1]) <= sum(each.read for each in read[0]) + 20


@pytest.mark.parametrize("kind", ["mirrored page", "unknown project"])
def test_bytes_read_of_upstream(kind: str) -> None:
    """A name is looked up in one shard of 256, so a request reads a hundredth of the names at most."""
    answer, status = next((case[1], case[2]) for case in COLD if case[0] == kind)
    process = Process(LARGE)
    everything = sum(entry.size for entry in process.counted.list(keys.SHARDS))
    manifest = process.counted.head(keys.MANIFEST).size
    process.count(answer, status)
    assert everything > 50_000
    assert process.bytes_read() < manifest + everything / 100 + 1_000


def test_the_root_listing_reads_what_changed() -> None:
    """The private names are read once a process, and then only the bucket that changed."""
    process = Process(LARGE)
    names = Catalogue(process.counted)
    assert len(names.names()) == LARGE.private + 1
    names.add(project_name("one-more"))
    process.counted.asked.clear()
    assert len(names.names()) == LARGE.private + 2
    assert [str(each) for each in process.counted.asked] == ["list catalogue", CATALOGUE]
