"""The workflow's steps against an upstream and a store: what they leave behind, whatever happens."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from obstore.store import MemoryStore

from dying import Killed
from reindexing import Workflow
from upstream import HTML, Answer, Upstream
from wheelyard.errors import (
    InvalidDocument,
    KeyNotFound,
    ListingShrank,
    StorageError,
    UpstreamError,
    UpstreamInvalid,
)
from wheelyard.mirror.payloads import Fetched, Sharded
from wheelyard.mirror.relisting import Hidden
from wheelyard.mirror.snapshots import Snapshots
from wheelyard.mirror.sweeping import GRACE
from wheelyard.protocol.names import ProjectName, project_name
from wheelyard.storage import keys
from wheelyard.storage.directory import DirectoryStore
from wheelyard.storage.objects import ObjectStore
from wheelyard.storage.store import Entry, Store


class Recording(ObjectStore):
    """A store in memory that records its writes, and can have its user die at one of them.

    Its clock is ``later`` than the true one.
    """

    def __init__(self) -> None:
        super().__init__(MemoryStore())
        self.writes: list[str] = []
        self.dies_at: int | None = None
        self.later = timedelta()
        self._written: dict[str, datetime] = {}

    def now(self) -> datetime:
        """The time by its clock."""
        return datetime.now(UTC) + self.later

    def _write(self, key: str) -> None:
        if len(self.writes) == self.dies_at:
            raise Killed
        self.writes.append(key)
        self._written[key] = self.now()

    def head(self, key: str) -> Entry:
        """See ``Store.head``."""
        return super().head(key)._replace(modified=self._written[key])

    def list(self, prefix: str) -> Iterator[Entry]:
        """See ``Store.list``."""
        for entry in super().list(prefix):
            yield entry._replace(modified=self._written[entry.key])

    def put(
        self,
        key: str,
        body: bytes,
        content_type: str | None = None,
        content_encoding: str | None = None,
    ) -> str:
        """See ``Store.put``."""
        self._write(key)
        return super().put(key, body, content_type, content_encoding)

    def create(self, key: str, body: bytes) -> str:
        """See ``Store.create``."""
        self._write(key)
        return super().create(key, body)

    def replace(self, key: str, body: bytes, etag: str) -> str:
        """See ``Store.replace``."""
        self._write(key)
        return super().replace(key, body, etag)

    def delete(self, key: str) -> None:
        """See ``Store.delete``."""
        self._write(key)
        super().delete(key)


@pytest.fixture
def store() -> Recording:
    return Recording()


@pytest.fixture
def workflow(store: Recording, upstream: Upstream) -> Workflow:
    return Workflow(store, upstream, now=store.now)


def listed(store: Store) -> list[str]:
    """The names in the active root listing; both forms and both encodings must agree."""
    snapshot = Snapshots(store).current()
    assert snapshot is not None
    listings = snapshot.manifest.listings
    body = store.get(keys.listing(listings.json.digest, "json")).body
    names = [project["name"] for project in json.loads(body)["projects"]]
    html = store.get(keys.listing(listings.html.digest, "html")).body.decode()
    assert html.count("<a ") == len(names)
    assert all(f'<a href="{name}/">{name}</a>' in html for name in names)
    packed = store.get(keys.listing(listings.json.digest, "json.gz")).body
    assert len(packed) == listings.json.gzip_size
    assert len(body) == listings.json.size
    return names


def serial(store: Store, name: str) -> int | str | None:
    """The active snapshot's serial of a name, "absent" if it has none such."""
    snapshot = Snapshots(store).current()
    assert snapshot is not None
    entry = snapshot.find(project_name(name))
    return entry.serial if entry else "absent"


@pytest.mark.parametrize("html", [False, True], ids=["json", "html"])
def test_a_run_makes_a_snapshot(workflow: Workflow, upstream: Upstream, html: bool) -> None:
    """Every name of upstream is in the snapshot and in the listing; its source has no credentials."""
    upstream.html_only = html
    upstream.serials = True
    upstream.add_names(["flask", "Zope.Interface", "six"])
    assert workflow.run() == "activated"
    assert listed(workflow.store) == ["flask", "six", "zope-interface"]
    assert serial(workflow.store, "zope_interface") == (None if html else 1)
    assert serial(workflow.store, "django") == "absent"
    snapshot = Snapshots(workflow.store).current()
    assert snapshot is not None
    assert snapshot.manifest.names == 3
    assert snapshot.manifest.source == upstream.url


def test_an_unchanged_upstream_costs_one_conditional_request(
    workflow: Workflow, upstream: Upstream, store: Recording
) -> None:
    """The second run asks once, conditionally, and writes nothing."""
    upstream.add_names(["flask", "six"])
    workflow.run()
    upstream.forget()
    store.writes.clear()
    assert workflow.run() == "unchanged"
    assert store.writes == []
    assert [asked.headers["if-none-match"][:1] for asked in upstream.asked] == ['"']


def test_only_what_changed_is_written(
    workflow: Workflow, upstream: Upstream, store: Recording
) -> None:
    """A new name rewrites the shard that it is in, and no other."""
    upstream.add_names(f"project-{number}" for number in range(600))
    workflow.run()
    store.writes.clear()
    upstream.add_names(["one-more"])
    assert workflow.run() == "activated"
    assert len([key for key in store.writes if key.startswith(keys.SHARDS)]) == 1
    assert serial(store, "one-more") is None
    assert serial(store, "project-599") is None


def test_names_are_normalised_and_checked(
    workflow: Workflow, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    """Spellings of one name are one, with the higher serial; what is no name is left out and noted."""
    projects = [
        {"name": "Foo.Bar", "_last-serial": 5},
        {"name": "foo_bar", "_last-serial": 9},
        {"name": "../../etc/passwd", "_last-serial": 1},
        {"name": "<script>", "_last-serial": 1},
    ]
    upstream.answer(
        "/simple/",
        Answer(
            200,
            json.dumps({"meta": {"api-version": "1.0"}, "projects": projects}).encode(),
            {"content-type": "application/json"},
        ),
    )
    assert workflow.run() == "activated"
    assert listed(workflow.store) == ["foo-bar"]
    assert serial(workflow.store, "foo-bar") == 9
    assert "2 names that are none" in caplog.text


def test_private_names_are_listed_and_hidden_ones_are_not(
    store: Recording, upstream: Upstream
) -> None:
    """The listing has the private projects, once; reserved and denied names stay in the snapshot only."""
    hidden = Hidden("acme-", lambda name: name.startswith("acme-"))
    workflow = Workflow(store, upstream, hidden)
    upstream.add_names(["acme-evil", "six", "shared"])
    for name in ("acme-own", "shared"):
        workflow.catalogue.add(ProjectName(name))
    workflow.run()
    assert listed(store) == ["acme-own", "shared", "six"]
    assert serial(store, "acme-evil") is None


def test_a_new_private_project_is_listed_although_upstream_is_unchanged(
    workflow: Workflow, upstream: Upstream, store: Recording
) -> None:
    """The run keeps every shard and makes the listing anew; the next one has nothing to do."""
    upstream.add_names(["six"])
    workflow.run()
    workflow.catalogue.add(ProjectName("acme"))
    store.writes.clear()
    upstream.forget()
    assert workflow.run() == "activated"
    assert listed(store) == ["acme", "six"]
    assert not any(key.startswith((keys.SHARDS, keys.PARTS)) for key in store.writes)
    assert len(upstream.asked) == 1
    assert workflow.run() == "unchanged"


def test_relisting_does_not_ask_upstream(
    workflow: Workflow, upstream: Upstream, store: Recording
) -> None:
    """A new private project is listed while upstream is down; without a snapshot there is one to make."""
    upstream.add_names(["six"])
    assert workflow.run(relist=True) == "activated"
    workflow.catalogue.add(ProjectName("acme"))
    upstream.stop()
    assert workflow.run(relist=True) == "activated"
    assert listed(store) == ["acme", "six"]
    assert workflow.run(relist=True) == "unchanged"


def test_a_run_does_not_lose_to_a_relisting(
    workflow: Workflow, upstream: Upstream, store: Recording
) -> None:
    """The names of the one and the listing of the other: both are in the end there."""
    upstream.add_names(["six"])
    workflow.run()
    upstream.add_names(["seven"])
    fetched = workflow.fetch()
    workflow.catalogue.add(ProjectName("acme"))
    assert workflow.run(relist=True) == "activated"
    assert workflow.activate(fetched, workflow.shard(fetched))["outcome"] == "activated"
    assert listed(store) == ["acme", "seven", "six"]


def test_a_relisting_does_not_lose_to_a_run(
    workflow: Workflow, upstream: Upstream, store: Recording
) -> None:
    """It lists whatever snapshot is active when it is ready."""
    upstream.add_names(["six"])
    workflow.run()
    workflow.catalogue.add(ProjectName("acme"))
    fetched = workflow.fetch(relist=True)
    workflow.catalogue.remove(ProjectName("acme"))
    upstream.add_names(["seven"])
    assert workflow.run() == "activated"
    workflow.catalogue.add(ProjectName("acme"))
    assert workflow.activate(fetched, [])["outcome"] == "activated"
    assert listed(store) == ["acme", "seven", "six"]


def test_other_rules_make_another_listing(store: Recording, upstream: Upstream) -> None:
    """Denying a project takes it out of the listing with the next run."""
    upstream.add_names(["six", "left-pad"])
    Workflow(store, upstream).run()
    denying = Workflow(store, upstream, Hidden("left-pad", lambda name: name == "left-pad"))
    assert denying.run() == "activated"
    assert listed(store) == ["six"]


def test_a_slower_older_run_loses(workflow: Workflow, upstream: Upstream, store: Recording) -> None:
    """Whoever is second to activate says so and changes nothing."""
    upstream.add_names(["old"])
    workflow.run()
    upstream.add_names(["middle"])
    slow = workflow.fetch()
    slow_shards = workflow.shard(slow)
    upstream.add_names(["new"])
    assert workflow.run() == "activated"
    before = store.get(keys.MANIFEST)
    late = workflow.activate(slow, slow_shards)
    assert late["outcome"] == "superseded"
    assert late["names"] == 3
    assert store.get(keys.MANIFEST) == before


def test_two_first_runs_make_one_snapshot(
    workflow: Workflow, upstream: Upstream, store: Recording
) -> None:
    """Where there is no snapshot yet, the second to activate loses as well."""
    upstream.add_names(["a"])
    slow = workflow.fetch()
    assert workflow.run() == "activated"
    assert workflow.activate(slow, workflow.shard(slow), force=True)["outcome"] in (
        "activated",  # in the same second both are the same snapshot
        "superseded",
    )
    assert listed(store) == ["a"]


def test_activating_twice_is_activating_once(
    workflow: Workflow, upstream: Upstream, store: Recording
) -> None:
    """A retry after an answer that was lost finds its own snapshot active, so functions are restarted."""
    upstream.add_names(["a", "b"])
    fetched = workflow.fetch()
    sharded = workflow.shard(fetched)
    first = workflow.activate(fetched, sharded)
    assert workflow.activate(fetched, sharded) == first
    assert first["outcome"] == "activated"


def test_a_listing_that_lost_a_fifth_is_not_activated(
    workflow: Workflow, upstream: Upstream, store: Recording
) -> None:
    """Half an index is more likely broken than right; force says that it is right."""
    upstream.add_names(f"project-{number}" for number in range(100))
    workflow.run()
    for number in range(21):
        del upstream.names[f"project-{number}"]
    with pytest.raises(ListingShrank, match="79 names where it had 100"):
        workflow.run()
    assert len(listed(store)) == 100
    assert workflow.run(force=True) == "activated"
    assert len(listed(store)) == 79
    for number in range(21, 21 + 15):
        del upstream.names[f"project-{number}"]
    assert workflow.run() == "activated"
    assert len(listed(store)) == 64


def test_another_upstream_is_not_compared(
    workflow: Workflow, store: Recording, upstream: Upstream, another_upstream: Upstream
) -> None:
    """Another index is asked unconditionally, and may be smaller."""
    upstream.add_names(["a", "b", "c"])
    workflow.run()
    another_upstream.add_names(["z"])
    assert Workflow(store, another_upstream).run() == "activated"
    assert listed(store) == ["z"]
    assert "if-none-match" not in another_upstream.asked[0].headers


@pytest.fixture
def another_upstream() -> Iterator[Upstream]:
    other = Upstream()
    yield other
    other.stop()


BODY = b'{"meta": {"api-version": "1.0"}, "projects": [{"name": "a"}]}'
MISBEHAVIOUR = {
    "refused": Answer(403, b"no"),
    "not found": Answer(404, b"no"),
    "down": Answer(drop=True),
    "unavailable": Answer(503, b"later"),
    "not modified": Answer(304, b""),
    "cut off": Answer(
        200, BODY[:-1], {"content-type": "application/json"}, content_length=len(BODY)
    ),
    "cut off silently": Answer(
        200, BODY[:-1], {"content-type": "application/json"}, content_length=None
    ),
    "HTML called JSON": Answer(200, b"<html></html>", {"content-type": "application/json"}),
    "a login page": Answer(200, b"<html><body>Log in</body></html>", {"content-type": HTML}),
    "version 2": Answer(200, BODY.replace(b"1.0", b"2.0"), {"content-type": "application/json"}),
    "another type": Answer(200, BODY, {"content-type": "application/octet-stream"}),
    "no valid name": Answer(
        200, BODY.replace(b'"a"', b'"/"'), {"content-type": "application/json"}
    ),
    "redirects in a loop": Answer(302, b"", {"location": "/simple/"}),
}


@pytest.mark.parametrize("answer", MISBEHAVIOUR.values(), ids=MISBEHAVIOUR.keys())
def test_a_misbehaving_upstream_changes_nothing(
    workflow: Workflow, upstream: Upstream, store: Recording, answer: Answer
) -> None:
    """Whatever upstream says instead of its listing, the run fails and nothing is written."""
    upstream.etags = False
    upstream.add_names(["a", "b"])
    workflow.run()
    store.writes.clear()
    upstream.answer("/simple/", answer, always=True)
    with pytest.raises(UpstreamError):
        workflow.run()
    assert store.writes == []
    upstream.behave()
    upstream.add_names(["c"])
    assert workflow.run() == "activated"
    assert listed(store) == ["a", "b", "c"]


def test_a_listing_without_end_is_not_read_on(
    workflow: Workflow, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is a bound on its size."""
    monkeypatch.setattr("wheelyard.mirror.parts.MOST_BYTES", 50)
    upstream.add_names(["a", "b", "c"])
    with pytest.raises(UpstreamInvalid, match="50 bytes"):
        workflow.run()


def test_a_run_killed_anywhere_leaves_the_old_snapshot_and_the_next_completes(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For each single write of a run: dead before it, either snapshot is whole, and a new run is right."""
    monkeypatch.setattr("wheelyard.mirror.parts.NAMES_PER_PART", 2)
    upstream.add_names(f"project-{number}" for number in range(40))
    old = sorted(upstream.names)
    new = sorted([*old, "brand-new", "another"])
    deaths = 0
    while True:
        store = Recording()
        workflow = Workflow(store, upstream, now=store.now)
        upstream.names = dict.fromkeys(old, 1)
        workflow.run()
        store.writes.clear()
        upstream.names = dict.fromkeys(new, 1)
        store.dies_at = deaths
        # Long after the first run, so that this one also sweeps what that has left.
        store.later = 2 * GRACE
        try:
            workflow.run()
        except Killed:
            deaths += 1
        else:
            break
        finished = keys.MANIFEST in store.writes
        assert listed(store) == (new if finished else old)
        assert serial(store, "brand-new") == (None if finished else "absent")
        store.dies_at = None
        assert workflow.run() == ("unchanged" if finished else "activated")
        assert listed(store) == new
        assert serial(store, "brand-new") is None
    assert deaths > 20
    assert listed(store) == new


def test_a_step_can_be_run_again(workflow: Workflow, upstream: Upstream, store: Recording) -> None:
    """Each step run twice gives the same snapshot as each run once."""
    upstream.add_names(f"project-{number}" for number in range(40))
    workflow.fetch()
    fetched = workflow.fetch()
    assert workflow.shard(fetched) == workflow.shard(fetched)
    workflow.activate(fetched, workflow.shard(fetched))
    assert len(listed(store)) == 40


def test_parts_that_are_gone_are_no_empty_parts(
    workflow: Workflow, upstream: Upstream, store: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A step that finds less than the one before it wrote fails."""
    monkeypatch.setattr("wheelyard.mirror.parts.NAMES_PER_PART", 1)
    upstream.add_names(["a", "b", "c", "d"])
    fetched = workflow.fetch()
    assert len(fetched["parts"]) == 4
    store.delete(fetched["parts"][3]["key"])
    with pytest.raises(KeyNotFound):
        workflow.shard(fetched)


def test_a_part_of_another_version_fails_the_run(
    workflow: Workflow, upstream: Upstream, store: Recording
) -> None:
    """A run during which the functions were replaced is run again; its shards are not half a part."""
    upstream.add_names(["a", "b"])
    fetched = workflow.fetch()
    store.put(fetched["parts"][0]["key"], b"00 a 1\n01 b 2\n")
    with pytest.raises(InvalidDocument):
        workflow.shard(fetched)


@pytest.mark.parametrize("each", [1, 7, 30, 1000])
def test_any_number_of_parts_makes_the_same_snapshot(
    upstream: Upstream, monkeypatch: pytest.MonkeyPatch, each: int
) -> None:
    """The parts cover every bucket once, however many names upstream has."""
    upstream.serials = True
    upstream.add_names(f"project-{number}" for number in range(100))
    whole, divided = (Workflow(Recording(), upstream) for _ in range(2))
    whole.run()
    monkeypatch.setattr("wheelyard.mirror.parts.NAMES_PER_PART", each)
    fetched = divided.fetch()
    parts = fetched["parts"]
    covered = [bucket for part in parts for bucket in range(part["first"], part["last"] + 1)]
    assert covered == list(range(256))
    assert len(parts) == min(16, -(-100 // each))
    divided.activate(fetched, divided.shard(fetched))
    manifests = [Snapshots(workflow.store).current() for workflow in (whole, divided)]
    first, second = (found.manifest.shards if found else None for found in manifests)
    assert first == second


def test_shards_that_were_swept_in_the_middle_of_a_run_fail_it(
    workflow: Workflow, upstream: Upstream, store: Recording
) -> None:
    """Nothing is activated that is not there whole."""
    upstream.add_names(["a", "b", "c"])
    fetched = workflow.fetch()
    sharded = workflow.shard(fetched)
    gone = next(digest for item in sharded for digest in item["digests"] if digest)
    store.delete(keys.shard(gone))
    with pytest.raises(KeyNotFound):
        workflow.activate(fetched, sharded)
    assert Snapshots(store).current() is None


@pytest.mark.parametrize("folder", [keys.SHARDS, keys.LISTINGS, keys.MANIFEST])
def test_what_was_lost_is_made_again(
    workflow: Workflow, upstream: Upstream, store: Recording, folder: str
) -> None:
    """A run repairs a snapshot from which something was removed, although upstream is unchanged."""
    upstream.add_names(["a", "b", "c"])
    workflow.run()
    for entry in list(store.list(folder)) if folder.endswith("/") else [store.head(folder)]:
        store.delete(entry.key)
    assert workflow.run() == "activated"
    assert listed(store) == ["a", "b", "c"]
    assert serial(store, "c") is None


def test_a_damaged_manifest_is_replaced(
    workflow: Workflow, upstream: Upstream, store: Recording
) -> None:
    """A run mends what requests can only report."""
    upstream.add_names(["a"])
    store.put(keys.MANIFEST, b"{")
    assert workflow.run() == "activated"
    assert listed(store) == ["a"]


def _stored(store: Store) -> set[str]:
    folders = (keys.SHARDS, keys.LISTINGS, keys.PARTS, keys.RETIRED)
    return {entry.key for folder in folders for entry in store.list(folder)}


def test_old_snapshots_are_swept_after_the_grace_period(
    workflow: Workflow, upstream: Upstream, store: Recording
) -> None:
    """What no snapshot needs goes; the active one, and what was replaced a moment ago, stays."""
    upstream.add_names(f"project-{number}" for number in range(50))
    workflow.run()
    first = _stored(store)
    upstream.add_names(["second"])
    del upstream.names["project-0"]
    store.later = 2 * GRACE
    workflow.run()
    second = _stored(store)
    assert first < second, "the first snapshot was replaced only now"
    upstream.add_names(["third"])
    store.later = 4 * GRACE
    workflow.run()
    third = _stored(store)
    gone = first - third
    assert any(key.startswith(keys.SHARDS) for key in gone)
    assert sum(key.startswith(keys.LISTINGS) for key in gone) == 4
    assert not any(key.startswith(keys.PARTS) for key in third)
    assert len(listed(store)) == 51
    assert all(serial(store, name) is None for name in listed(store))


def test_what_a_dead_run_left_is_swept(
    workflow: Workflow, upstream: Upstream, store: Recording
) -> None:
    """Parts and shards of a run that never ended go after the grace period, and not before."""
    upstream.add_names(["a"])
    dead = workflow.fetch()
    workflow.shard(dead)
    parts = {part["key"] for part in dead["parts"]}
    upstream.add_names(["b"])
    workflow.run()
    assert parts < _stored(store)
    upstream.add_names(["c"])
    store.later = 2 * GRACE
    workflow.run()
    assert not parts & _stored(store)
    assert listed(store) == ["a", "b", "c"]


def test_a_shard_that_comes_back_is_not_swept(
    workflow: Workflow, upstream: Upstream, store: Recording
) -> None:
    """A snapshot with the very content of one long gone is whole."""
    upstream.add_names(["a", "b"])
    workflow.run()
    upstream.add_names(["c"])
    workflow.run()
    del upstream.names["c"]
    store.later = 2 * GRACE
    workflow.run(force=True)
    store.later = 4 * GRACE
    upstream.add_names(["d"])
    workflow.run()
    assert listed(store) == ["a", "b", "d"]
    assert all(serial(store, name) is None for name in "abd")


def test_a_store_that_cannot_sweep_does_not_fail_the_run(
    workflow: Workflow, upstream: Upstream, store: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The snapshot is active; the next run sweeps."""

    def refuse(key: str) -> None:
        raise StorageError(key)

    monkeypatch.setattr(store, "delete", refuse)
    upstream.add_names(["a"])
    assert workflow.run() == "activated"
    assert listed(store) == ["a"]


def test_a_directory_is_a_store_as_well(tmp_path: Path, upstream: Upstream) -> None:
    """The same run on one machine."""
    store = DirectoryStore(tmp_path / "store")
    workflow = Workflow(store, upstream)
    upstream.add_names(["a", "b"])
    assert workflow.run() == "activated"
    assert workflow.run() == "unchanged"
    assert listed(store) == ["a", "b"]


@pytest.mark.parametrize("count", [1, 5_000_000])
def test_payloads_stay_far_below_the_limit(
    count: int, workflow: Workflow, upstream: Upstream, make_fetched: Callable[[int], Fetched]
) -> None:
    """The state between steps has keys and digests only: 256 KiB is the limit of Step Functions."""
    fetched = make_fetched(count)
    assert len(fetched["parts"]) == 16
    sharded = [
        Sharded(first=part["first"], digests=["f" * 32] * 16, names=count // 16, written=16)
        for part in fetched["parts"]
    ]
    assert len(json.dumps({"fetched": fetched, "sharded": sharded})) < 32 * 1024


@pytest.fixture
def make_fetched(
    workflow: Workflow, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> Callable[[int], Fetched]:
    """A real payload of Fetch, with the most parts and the numbers of a larger upstream."""
    monkeypatch.setattr("wheelyard.mirror.parts.NAMES_PER_PART", 1)

    def make(count: int) -> Fetched:
        upstream.add_names(f"project-{number}" for number in range(16))
        return {**workflow.fetch(), "names": count, "serial": 10**12, "etag": '"' + "e" * 200 + '"'}

    return make
