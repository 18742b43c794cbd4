"""The benchmark: this project beside its peers, on this machine, in one run.

    python benchmarks/bench.py [--full] [--only SECTION …] [--results FOLDER]

Everything stays on loopback. The peers are installed from the package index into environments of their own
below ``.tools/bench``. With ``--only`` the other sections' figures are taken from the folder's last run.
"""

import argparse
import os
import signal
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import client
import contestants
import corpus
import growth
import handlers
import installing
import machine
import reindex_cost
import report
import serving
import upstream_names
from environments import PACKAGES, ROOT, Environment
from samples import Samples, load
from servers import weed_server

if TYPE_CHECKING:
    from collections.abc import Callable

# What can be measured alone, and the sections of the report that come of it.
SECTIONS = {
    "lambda": (handlers.COLD, handlers.WARM),
    "serving": (serving.SECTION,),
    "clients": (installing.SECTION,),
    "reindex": (reindex_cost.SECTION,),
    "growth": (growth.SECTION,),
}


class Extent(NamedTuple):
    """How much is done: rounds of everything, seconds of load, and sizes."""

    rounds: int
    seconds: float
    starts: int
    uploads: int
    private: tuple[int, ...]
    names: tuple[int, ...]


SHORT = Extent(3, 1, 7, 15, growth.PRIVATE[:2], growth.NAMES[:2])
FULL = Extent(5, 2, 15, 40, growth.PRIVATE, growth.NAMES)


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=[*SECTIONS])
    parser.add_argument("--results", type=Path, default=ROOT / ".tools/bench/results")
    options = parser.parse_args()
    extent = FULL if options.full else SHORT
    # What is measured has the other core, and what it talks to is here.
    os.sched_setaffinity(0, {machine.CLIENT_CORE})
    before = options.results / "figures.json"
    samples = load(before) if options.only != [*SECTIONS] and before.exists() else Samples()
    samples.forget([each for only in options.only for each in SECTIONS[only]])
    # So that all servers end with a run that is terminated.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        run = Run(samples, extent, Path(folder), full=options.full)
        run.sections(options.only, lambda: report.write(samples, options.results))
    _note(samples, options.only, full=options.full, minutes=(time.monotonic() - started) / 60)
    written = report.write(samples, options.results)
    print(f"{written}\n\n{written.read_text().partition('## Goals')[2].partition('## ')[0]}")


class Run:
    """One run in a folder that is thrown away."""

    def __init__(self, samples: Samples, extent: Extent, folder: Path, *, full: bool) -> None:
        self.samples = samples
        self.extent = extent
        self.folder = folder
        self.full = full

    def sections(self, wanted: list[str], write: "Callable[[], object]") -> None:
        """Measure some sections, and ``write`` after each; one that fails does not end the others."""
        _say("the corpus")
        found = corpus.generate(self.folder / "corpus")
        store = self.folder / "store"
        corpus.into_store(found, store, contestants.environment())
        work: dict[str, Callable[[], None]] = {
            "lambda": lambda: self._lambda(found, store),
            "serving": lambda: self._serving(found, store, wanted),
            "reindex": lambda: reindex_cost.measure(
                self.samples, upstream_names.FULL, 3 if self.full else 1
            ),
            "growth": lambda: growth.measure(
                self.samples, self.extent.private, self.extent.names, 11
            ),
        }
        for name, measure in work.items():
            if name not in wanted and not (name == "serving" and "clients" in wanted):
                continue
            _say(name)
            try:
                measure()
            except (RuntimeError, OSError, ValueError, subprocess.SubprocessError) as error:
                self.samples.fail(name, "the section", "benchmark", error)
            write()

    def _lambda(self, found: corpus.Corpus, store: Path) -> None:
        place = self.folder / "lambda"
        place.mkdir()
        with weed_server(place) as server:
            setting = handlers.prepare(server, store, found)
            _say("  warm handlers")
            handlers.warm(self.samples, setting, 50, self.extent.rounds)
            _say("  cold starts")
            handlers.cold(self.samples, setting, place, self.extent.starts)

    def _serving(self, found: corpus.Corpus, store: Path, wanted: list[str]) -> None:
        """The servers are the same for the clients, of which each may be measured without the other."""
        place = self.folder / "servers"

        def fail(who: str, why: object) -> None:
            self.samples.fail(serving.SECTION, "its start", who, why)

        serving_first = self.folder / "first"
        serving_first.mkdir()
        with contestants.all_running(found, store, place, fail, everything=self.full) as running:
            if "serving" in wanted:
                _say("  requests")
                serving.measure(
                    self.samples, running, found, self.extent.seconds, self.extent.rounds
                )
                _say("  uploads")
                serving.uploads(self.samples, running, self.extent.uploads)
            if "clients" in wanted:
                _say("  clients")
                installing.measure(
                    self.samples, running, self.folder / "clients", self.extent.rounds
                )
        if "serving" in wanted:
            _say("  starts")
            serving.first_answers(self.samples, store, serving_first, self.extent.starts)


def _note(samples: Samples, only: list[str], *, full: bool, minutes: float) -> None:
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {'full' if full else 'short'}, {minutes:.0f} minutes"
    if only != [*SECTIONS]:
        when = f"{samples.notes.get('when', '')}; {', '.join(only)} again at {when}"
    versions = [Environment(name).version() for name in PACKAGES if name != "clients"]
    samples.notes = {
        "when": when.removeprefix("; "),
        "machine": machine.describe(),
        "load of the machine at the end": machine.load(),
        "cold starts": "with an API token unless a password is named; the certificates in one file, which "
        "spares Wheelyard a directory of them (the controls speak plain HTTP)",
        "reindex": "of an index without private projects and reserved names",
        "server and client": f"cores {machine.SERVER_CORE} and {machine.CLIENT_CORE}; {client.describe()}",
        "beside": ", ".join(dict.fromkeys(versions)),
    }


def _say(what: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {what}", flush=True)


if __name__ == "__main__":
    main()
