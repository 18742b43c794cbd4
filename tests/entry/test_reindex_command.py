"""``wheelyard reindex``, and the server that does it by itself."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import running
from distributions import build_wheel
from upstream import Answer, Upstream
from wheelyard.entry.reindexer import BETWEEN_AUTOMATIC, Reindexer
from wheelyard.index.catalogue import Catalogue
from wheelyard.mirror.relisting import Hidden
from wheelyard.mirror.snapshots import Snapshots
from wheelyard.protocol.names import ProjectName, project_name
from wheelyard.storage import keys
from wheelyard.storage.directory import DirectoryStore

JSON = "application/vnd.pypi.simple.v1+json"
NAMES = ["flask", "six", "attrs"]


class Command:
    """The command line over one store and one upstream."""

    def __init__(self, folder: Path, upstream: Upstream) -> None:
        self.store = DirectoryStore(folder / "store")
        self._folder = folder
        self._environ = running.environment() | {
            "UPSTREAM_INDEX_URL": upstream.with_credentials(),
            "WHEELYARD_STORE": str(folder / "store"),
        }

    def spawn(self, *options: str, **environ: str) -> "subprocess.Popen[str]":
        """Start it."""
        return subprocess.Popen(
            [sys.executable, "-m", "wheelyard", "reindex", *options],
            cwd=self._folder,
            env=self._environ | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *options: str, **environ: str) -> tuple[int, str, str]:
        """Run it; returns its exit status and what it said."""
        with self.spawn(*options, **environ) as process:
            out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def names(self) -> list[str]:
        """The names of the active snapshot among those that the tests use."""
        snapshot = Snapshots(self.store).current()
        if snapshot is None:
            return []
        return [name for name in (*NAMES, "new", "acme") if snapshot.find(project_name(name))]


@pytest.fixture
def command(tmp_path: Path, upstream: Upstream) -> Command:
    upstream.add_names(NAMES)
    return Command(tmp_path, upstream)


def test_it_says_what_became_of_it(command: Command, upstream: Upstream) -> None:
    """Done and unchanged are both success; nothing that is printed or stored has the credentials."""
    done = command.run()
    assert done[0] == 0
    assert "is active: 3 names" in done[1]
    again = command.run()
    assert again[0] == 0
    assert "nothing has changed" in again[1]
    assert command.names() == NAMES
    stored = b"".join(
        path.read_bytes() for path in command.store.local_path(keys.MANIFEST).parent.rglob("*.json")
    )
    for text in (str(done), str(again), stored.decode()):
        assert "s@cret" not in text
        assert "s%40cret" not in text


def test_an_upstream_that_fails_is_a_failure(command: Command, upstream: Upstream) -> None:
    """Non-zero, one line that says why, and the snapshot as it was."""
    command.run()
    upstream.answer("/simple/", Answer(404, b"no"), always=True)
    status, _, err = command.run()
    assert status == 1
    assert err.splitlines()[-1].startswith("wheelyard: error: upstream answers 404")
    assert "Traceback" not in err
    assert command.names() == NAMES


def test_a_shrunken_listing_needs_force(command: Command, upstream: Upstream) -> None:
    """Without it the run fails and says what to do."""
    command.run()
    del upstream.names["six"]
    status, _, err = command.run()
    assert status == 1
    assert "run with force" in err
    assert command.names() == NAMES
    assert command.run("--force")[0] == 0
    assert command.names() == ["flask", "attrs"]


@pytest.mark.parametrize("environ", [{"UPSTREAM_INDEX_URL": "none"}, {"UPSTREAM_MODE": "redirect"}])
def test_where_nothing_is_mirrored_it_says_so(command: Command, environ: dict[str, str]) -> None:
    """It names the setting."""
    status, _, err = command.run(**environ)
    assert status == 1
    assert "UPSTREAM_INDEX_URL" in err


def test_a_killed_run_changes_nothing(
    command: Command, upstream: Upstream, wait_until: Callable[[Callable[[], bool]], None]
) -> None:
    """Killed while upstream answers, it leaves the snapshot; the next run completes."""
    command.run()
    upstream.add_names(["new"])
    upstream.forget()
    with upstream.hold("/simple/"), command.spawn() as process:
        wait_until(lambda: bool(upstream.asked))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert command.names() == NAMES
    assert command.run()[0] == 0
    assert command.names() == [*NAMES, "new"]


def test_two_at_once_make_one_snapshot(command: Command, upstream: Upstream) -> None:
    """Both succeed, whoever is first."""
    processes = [command.spawn() for _ in range(3)]
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert command.names() == NAMES


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool]], None]:
    def wait(comes_true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not comes_true():
            assert time.monotonic() < deadline
            time.sleep(0.05)

    return wait


# --- the server ---


def test_the_server_reindexes_by_itself(
    tmp_path: Path, upstream: Upstream, wait_until: Callable[[Callable[[], bool]], None]
) -> None:
    """At its start, and when a private project is new; a reader sees it within a minute."""
    upstream.add_names(NAMES)
    folder = tmp_path / "index"
    folder.mkdir()
    index = running.Index(
        folder,
        environ={"UPSTREAM_INDEX_URL": upstream.with_credentials()},
        options=("--reindex-every", "1000"),
    )
    running.add_users(index.store)
    index.start()
    try:
        wait_until(lambda: set(NAMES) <= set(_listed(index)))
        index.publish(build_wheel("acme", "1.0"))
        wait_until(lambda: "acme" in _listed(index))
        assert set(NAMES) <= set(_listed(index))
        assert "s@cret" not in index.log_text() + index.printed()
    finally:
        index.stop()
    assert [line["message"] for line in index.log_lines()].count("reindexed") >= 1


def _listed(index: running.Index) -> list[str]:
    answer = index.request("GET", "/simple/", account=running.READER, headers={"Accept": JSON})
    assert answer.status == 200
    return [project["name"] for project in json.loads(answer.body)["projects"]]


# --- when it runs ---


class Clock:
    """Stands still until told to go on."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _reindexer(command: Command, clock: Clock, every: float | None) -> Reindexer:
    return Reindexer(command.store, Hidden("", lambda _: False), every, clock)


def test_it_runs_at_intervals(command: Command, clock: Clock) -> None:
    """First at once."""
    reindexer = _reindexer(command, clock, 3600)
    seen = []
    for _ in range(4):
        seen.append(reindexer.due())
        clock.now += 1800
    assert seen == ["reindex", None, "reindex", None]


def test_a_hundred_new_projects_in_a_minute_are_two_runs(command: Command, clock: Clock) -> None:
    """One at once and one a minute later, that has all of them; without a snapshot there is none."""
    catalogue = Catalogue(command.store)
    reindexer = _reindexer(command, clock, None)
    catalogue.add(ProjectName("acme"))
    assert reindexer.due() is None
    command.run()
    assert reindexer.due() is None
    runs = 0
    for number in range(100):
        catalogue.add(ProjectName(f"acme-{number}"))
        clock.now += BETWEEN_AUTOMATIC / 101
        if reindexer.due():
            runs += 1
            command.run("--relist")
    assert runs == 1
    clock.now += BETWEEN_AUTOMATIC
    assert reindexer.due() == "relist"


def test_pips_upstream(tmp_path: Path, upstream: Upstream) -> None:
    """Without an upstream named, it is the one that pip uses, as it is for the server."""
    upstream.add_names(NAMES)
    command = Command(tmp_path, upstream)
    environ = {"PIP_INDEX_URL": upstream.with_credentials(), "PIP_CONFIG_FILE": "/dev/null"}
    status, out, err = command.run(UPSTREAM_INDEX_URL="", **environ)
    assert status == 0, err
    assert command.names() == NAMES
    assert "s%40cret" not in out + err
