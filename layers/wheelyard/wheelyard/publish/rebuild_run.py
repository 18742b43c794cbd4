"""A rebuild in steps that run in processes of their own, and hand one another objects of the store.

The steps are those of ``rebuild``: what there is to look at, findings for some files of one project, the
document of one project, and what came of it all. Each can be done again.
"""

import json
from typing import Any, NamedTuple

from wheelyard.audit.recorder import Recorder, unrecorded
from wheelyard.protocol.model import Project
from wheelyard.protocol.names import ProjectName, project_name
from wheelyard.protocol.simple import parse_project, project_json
from wheelyard.publish.rebuild import (
    Changes,
    Finding,
    examine_files,
    recatalogue,
    relist,
)
from wheelyard.publish.shelf import Shelf
from wheelyard.publish.survey import Refused, Work, split, survey
from wheelyard.storage import keys


class Surveyed(NamedTuple):
    """How much there is to do, and the keys of the two lists that say what."""

    projects: int
    files: int
    work: str
    listings: str


class Reported(NamedTuple):
    """What a run did; the rest is in the object ``report``."""

    projects_changed: int
    files_refused: int
    report: str


class RebuildRun:
    """One run, by its name; everything that it writes beside its results is under ``rebuild/<run>/``."""

    def __init__(self, shelf: Shelf, run: str, record: Recorder = unrecorded) -> None:
        """``run`` is of letters, digits, ``-`` and ``_``. ``record`` has changes in the audit trail."""
        self._shelf = shelf
        self._record = record
        self._store = shelf.store
        self._folder = f"{keys.REBUILDS}{run}/"

    def survey(self) -> Surveyed:
        """Write down the pieces of work, and the projects to be listed once they are done."""
        surveyed = survey(self._store)
        pieces: dict[ProjectName, int] = {folder.project: 0 for folder in surveyed.folders}
        work = []
        for piece in split(surveyed):
            names = [entry.key.rpartition("/")[2] for entry in piece.files]
            work.append({"project": piece.project, "piece": pieces[piece.project], "files": names})
            pieces[piece.project] += 1
        listings = [{"project": name, "pieces": count} for name, count in pieces.items()]
        self._put("refused.json", [refused._asdict() for refused in surveyed.refused])
        files = sum(len(folder.files) for folder in surveyed.folders)
        return Surveyed(
            len(listings), files, self._put("work.json", work), self._put("listings.json", listings)
        )

    def examine(self, project: str, piece: int, filenames: list[str]) -> int:
        """Look at some files of one project; returns how many."""
        name = project_name(project)
        entries = {entry.key: entry for entry in self._store.list(f"{keys.PACKAGES}{name}/")}
        wanted = [keys.package(name, filename) for filename in filenames]
        work = Work(name, tuple(entries[key] for key in wanted if key in entries))
        found = [_dump(name, finding) for finding in examine_files(self._shelf, work, self._record)]
        self._put(f"found/{name}/{piece}.json", found)
        return len(found)

    def list(self, project: str, pieces: int) -> int:
        """Replace the project's document by what was found; returns 1 if that changed it, or 0."""
        name = project_name(project)
        findings = [
            _load(found)
            for piece in range(pieces)
            for found in self._get(f"found/{name}/{piece}.json")
        ]
        changes = relist(self._shelf, name, findings, self._record)
        if changes.any:
            self._put(f"changes/{name}.json", _changes(changes))
        return int(changes.rewritten)

    def report(self) -> Reported:
        """Put the catalogue right, and everything that was changed or refused into one report."""
        catalogue = recatalogue(self._shelf, self._record)
        report = f"{self._folder}report.json"
        if not self._shelf.store.exists(
            report
        ):  # else this was done before, and its answer was lost
            entries = list(self._store.list(f"{self._folder}changes/"))
            changes = [json.loads(self._store.get(entry.key).body) for entry in entries]
            refused = self._get("refused.json")
            document = {"projects": changes, "refused": refused, **catalogue._asdict()}
            self._put("report.json", document)
        for entry in self._store.list(self._folder):
            if entry.key != report:
                self._store.delete(entry.key)
        return _reported(self._get("report.json"), report)

    def _put(self, name: str, document: object) -> str:
        key = self._folder + name
        self._store.put(key, json.dumps(document).encode())
        return key

    def _get(self, name: str) -> Any:
        return json.loads(self._store.get(self._folder + name).body)


def _reported(document: dict[str, Any], key: str) -> Reported:
    changes = document["projects"]
    refused = len(document["refused"]) + sum(len(change["refused"]) for change in changes)
    return Reported(sum(change["rewritten"] for change in changes), refused, key)


def _dump(name: ProjectName, finding: Finding) -> dict[str, Any]:
    file = finding.file
    listed = None if file is None else json.loads(project_json(Project(name, (file,))))
    return {**finding._asdict(), "file": listed}


def _load(found: dict[str, Any]) -> Finding:
    listed = found.pop("file")
    file = None if listed is None else parse_project(json.dumps(listed).encode()).files[0]
    return Finding(file=file, **found)


def _changes(changes: Changes) -> dict[str, Any]:
    refused = [Refused._asdict(each) for each in changes.refused]
    return {**changes._asdict(), "refused": refused}
