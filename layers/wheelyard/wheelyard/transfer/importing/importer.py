"""An import: every file that the plan takes, several at once, a few of a project listed together.

What is taken is listed at once, so an import that is broken off has lost nothing; the next one finds what
is there and goes on.
"""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import NamedTuple

from wheelyard.audit.event import Actor, AuditedFile, Change
from wheelyard.audit.trail import Trail
from wheelyard.errors import FileExists, Forbidden, WheelyardError
from wheelyard.protocol.model import Project
from wheelyard.protocol.names import ProjectName
from wheelyard.publish.shelf import Placed, Shelf
from wheelyard.transfer.importing.offers import Candidate, Marker, OtherIndex
from wheelyard.transfer.importing.planning import Decision, Plan
from wheelyard.transfer.importing.taking import take

_WORKERS = 8
_AT_ONCE = 8


class Work(NamedTuple):
    """Some files of one project, for one worker."""

    project: ProjectName
    candidates: tuple[Candidate, ...]


class _Stored(NamedTuple):
    """A stored file, and what it comes to once it is listed."""

    decision: Decision
    placed: Placed


class Importer:
    """Carries one plan out."""

    def __init__(
        self,
        shelf: Shelf,
        index: OtherIndex,
        trail: Trail,
        actor: Actor,
        advance: Callable[[int], None] = lambda _: None,
    ) -> None:
        """``advance`` is told of every so many files that are done."""
        self._shelf = shelf
        self._index = index
        self._trail = trail
        self._actor = actor
        self._advance = advance

    def run(self, plan: Plan) -> tuple[Decision, ...]:
        """What became of every file of the plan. Raises ``StorageError`` where the store fails."""
        with ThreadPoolExecutor(_WORKERS) as pool:
            done: list[Decision] = []
            for decisions in pool.map(self._work, _works(plan)):
                done += decisions
                self._advance(len(decisions))
        others = (*plan.of("there"), *plan.of("cannot"))
        failed = {each.candidate.project for each in (*done, *others) if each.action == "cannot"}
        for name, marker in plan.offer.markers.items():
            if name not in failed:
                self._mark(name, marker)
        return (*done, *others)

    def _work(self, work: Work) -> list[Decision]:
        stored: list[_Stored] = []
        decisions = []
        for candidate in work.candidates:
            try:
                taken = take(self._shelf, self._index, candidate)
            except WheelyardError as error:
                decisions.append(Decision(candidate, "cannot", str(error)))
                continue
            if taken.placed is None:
                decisions.append(Decision(candidate, "there"))
            else:
                stored.append(_Stored(Decision(candidate, "take", taken.note), taken.placed))
        return decisions + self._list(work.project, stored)

    def _list(self, name: ProjectName, stored: list["_Stored"]) -> list[Decision]:
        """Have them listed all at once, or one by one where one of them cannot be."""
        if not stored:
            return []
        placed = [each.placed for each in stored]
        files = [AuditedFile(each.file.filename, each.file.hashes["sha256"]) for each in placed]
        change = Change("import", name, files, {"from": self._index.location})
        try:
            with self._trail.recording(self._actor, change):
                self._shelf.list(name, placed)
                self._yank(name, placed)
        except (FileExists, Forbidden) as error:
            if len(stored) > 1:
                return list(chain.from_iterable(self._list(name, [each]) for each in stored))
            return [Decision(stored[0].decision.candidate, "cannot", str(error))]
        return [each.decision for each in stored]

    def _yank(self, name: ProjectName, placed: list[Placed]) -> None:
        """Where an event's handler was quicker and listed the file, it knew of no yank."""
        yanked = {each.file.filename: each.file.yanked for each in placed if each.file.yanked}
        if yanked:
            self._shelf.edit(name, lambda project: _with_yanks(project, yanked))

    def _mark(self, name: ProjectName, marker: Marker) -> None:
        """Give the project the status that it had, if it is there and has none."""
        here = self._shelf.project(name)
        if not here.files or here.status is not None:
            return

        def change(project: Project) -> Project:
            if project.status is not None:
                return project
            return project._replace(status=marker.status, status_reason=marker.reason)

        said = {"reason": marker.reason} if marker.reason else {}
        details = {"status": marker.status, **said, "from": self._index.location}
        with self._trail.recording(self._actor, Change("status", name, (), details)):
            self._shelf.edit(name, change)


def _with_yanks(project: Project, yanked: Mapping[str, bool | str]) -> Project:
    files = tuple(
        file._replace(yanked=yanked[file.filename])
        if file.filename in yanked and not file.yanked
        else file
        for file in project.files
    )
    return project._replace(files=files)


def _works(plan: Plan) -> Iterator[Work]:
    for name, decisions in plan.by_project:
        candidates = tuple(decision.candidate for decision in decisions)
        for start in range(0, len(candidates), _AT_ONCE):
            yield Work(name, candidates[start : start + _AT_ONCE])
