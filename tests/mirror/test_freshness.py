"""When upstream is asked for a page again, and what happens if it does not answer."""

import json

import pytest
from obstore.store import MemoryStore

from distributions import build_wheel
from upstream import Answer, Upstream
from wheelyard.errors import UpstreamError
from wheelyard.mirror.deadline import Deadline
from wheelyard.mirror.location import Locator
from wheelyard.mirror.pages import Pages
from wheelyard.mirror.upstream import Upstream as Client
from wheelyard.protocol.names import project_name
from wheelyard.storage import keys
from wheelyard.storage.objects import ObjectStore

NAME = project_name("demo")
PAGE = "/simple/demo/"
LIFETIME = 600.0
VERSIONS = [build_wheel("demo", f"{number}.0") for number in range(1, 5)]


class World:
    """An upstream with serials, a mirror of it, and the time, which only the test moves."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream
        self.store = ObjectStore(MemoryStore())
        self.now = 1_000_000.0
        self.pages = self.process()
        upstream.serials = True
        upstream.add(VERSIONS[0])

    @property
    def serial(self) -> int:
        """What a snapshot taken now would say."""
        return self.upstream.projects["demo"].serial

    def process(self) -> Pages:
        """Another process over the same store."""
        client = Client(Locator(self.upstream.index, lambda: 0).find, 5, lambda _: None)
        return Pages(
            self.store, lambda: client, "this one", LIFETIME, lambda: self.now, lambda: self.now
        )

    def files(self, serial: int | None, pages: Pages | None = None) -> list[str] | None:
        """The versions on the page, None if there is no project."""
        pages = pages or self.pages
        state = pages.find(NAME, serial, Deadline(20))
        if state is None:
            return None
        document = json.loads(pages.document(NAME, state, serial, Deadline(20)).json)
        assert set(state.files) == {file["filename"] for file in document["files"]}
        return [file["filename"].split("-")[1] for file in document["files"]]

    def asked(self) -> int:
        """How often upstream was asked since the last call."""
        count = len(self.upstream.asked)
        self.upstream.forget()
        return count


@pytest.fixture
def world(upstream: Upstream) -> World:
    """The project with its first version, the page fetched."""
    world = World(upstream)
    assert world.files(world.serial) == ["1.0"]
    assert world.asked() == 1
    return world


def test_by_serial(world: World) -> None:
    """A page as new as the snapshot is served unasked, for ever; a snapshot that is newer asks at once."""
    world.now += 10**7
    for pages in (world.pages, world.process()):
        assert world.files(world.serial, pages) == ["1.0"]
    assert world.asked() == 0
    world.upstream.add(VERSIONS[1])
    assert world.files(world.serial) == ["1.0", "2.0"]
    assert world.asked() == 1


def test_a_snapshot_that_is_older_than_the_page(world: World) -> None:
    """A page that is newer than the snapshot stays."""
    assert world.files(1) == ["1.0"]
    assert world.asked() == 0


def test_a_lagging_page(world: World) -> None:
    """Where upstream's cache is behind its own serial, it is asked again now and then, not each time."""
    world.upstream.add(VERSIONS[1])
    wanted = world.serial
    old = Answer(304, headers={"x-pypi-last-serial": "2"})
    world.upstream.answer(PAGE, old)
    assert world.files(wanted) == ["1.0"]
    assert world.files(wanted) == ["1.0"]
    assert world.asked() == 1
    world.now += 31
    assert world.files(wanted) == ["1.0", "2.0"]
    assert world.asked() == 1


def test_an_older_page_than_is_stored(world: World) -> None:
    """A cache that answers with an older page than the stored one does not take anything back."""
    old = world.upstream.projects["demo"].files.copy()
    world.upstream.add(VERSIONS[1])
    assert world.files(world.serial) == ["1.0", "2.0"]
    new, world.upstream.projects["demo"].files = world.upstream.projects["demo"].files, old
    world.upstream.projects["demo"].serial = 2
    assert world.files(99) == ["1.0", "2.0"]
    world.upstream.projects["demo"].files = new


def test_by_age(world: World) -> None:
    """Where the snapshot has no serial, a page is believed for its lifetime, and then revalidated."""
    world.now += LIFETIME - 1
    assert world.files(None) == ["1.0"]
    assert world.asked() == 0
    world.now += 2
    assert world.files(None) == ["1.0"]
    assert world.upstream.asked[-1].headers["if-none-match"]
    assert world.asked() == 1
    assert world.files(None, world.process()) == ["1.0"]
    assert world.asked() == 0


def test_a_clock_that_went_back(world: World) -> None:
    """A page from the future is not believed."""
    world.now -= 1000
    assert world.files(None) == ["1.0"]
    assert world.asked() == 1


def test_gone(world: World) -> None:
    """A project that is 404 upstream is served for its lifetime, and then 404; back again, it is back."""
    project = world.upstream.projects.pop("demo")
    world.now += LIFETIME + 1
    assert world.files(None) == ["1.0"]
    world.now += LIFETIME / 2
    assert world.files(None) == ["1.0"]
    assert world.asked() == 1
    world.now += LIFETIME
    assert world.files(None) is None
    assert world.files(None, world.process()) is None
    assert world.asked() == 1
    world.upstream.projects["demo"] = project
    world.now += LIFETIME + 1
    assert world.files(None) == ["1.0"]


def test_a_failing_upstream_rests(world: World) -> None:
    """After a failure, stored pages are served at once for a while; then upstream is asked again."""
    world.upstream.add(VERSIONS[1])
    world.upstream.stop()
    wanted = world.serial
    assert world.files(wanted) == ["1.0"]
    world.upstream.start()
    assert world.files(wanted) == ["1.0"]
    assert world.asked() == 0
    world.now += 6
    assert world.files(wanted) == ["1.0", "2.0"]


def test_what_is_not_stored_is_asked_for_all_the_same(world: World) -> None:
    """A resting upstream is asked for what is not stored."""
    world.upstream.stop()
    world.now += LIFETIME + 1
    world.files(None)
    with pytest.raises(UpstreamError):
        world.pages.find(project_name("other"), None, Deadline(20))
    world.upstream.start()
    world.upstream.add(build_wheel("other", "1.0"))
    assert world.pages.find(project_name("other"), None, Deadline(20)) is not None


@pytest.mark.parametrize("damage", ["page gone", "page of another time", "state broken"])
def test_objects_that_do_not_belong_together(world: World, damage: str) -> None:
    """A page that is lost, not the state's, or without a readable state is fetched anew."""
    if damage == "page gone":
        world.store.delete(keys.mirror_page(NAME))
    elif damage == "state broken":
        world.store.put(keys.mirror_urls(NAME), b"{")
    else:
        world.store.put(keys.mirror_page(NAME), b'{"name": "demo", "files": []}')
    assert world.files(world.serial, world.process()) == ["1.0"]
    assert world.asked() == 1
    assert world.files(world.serial, world.process()) == ["1.0"]
    assert world.asked() == 0


def test_a_writer_that_died(world: World) -> None:
    """After a death between the two writes, the next who asks gets and stores a whole page."""
    before = world.store.get(keys.mirror_page(NAME)).body
    world.upstream.add(VERSIONS[1])
    world.files(world.serial)
    world.store.put(keys.mirror_page(NAME), before)
    world.asked()
    assert world.files(world.serial, world.process()) == ["1.0", "2.0"]
    assert world.asked() == 1


def test_what_another_process_stored(world: World) -> None:
    """A page that another process fetched is this one's too, at the next request."""
    other = world.process()
    assert world.files(world.serial, other) == ["1.0"]
    world.upstream.add(VERSIONS[1])
    world.files(world.serial, other)
    world.asked()
    assert world.files(1) == ["1.0", "2.0"]
    assert world.asked() == 0
