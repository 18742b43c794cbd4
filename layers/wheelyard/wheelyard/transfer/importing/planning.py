"""What of an offer can be taken, as far as names, sizes and digests say it before a byte is fetched."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, groupby
from typing import Literal, NamedTuple

from wheelyard.errors import FileExists, InvalidFilename, TooLarge, WheelyardError
from wheelyard.index.catalogue import Catalogue
from wheelyard.mirror.snapshots import Snapshots
from wheelyard.protocol.filenames import (
    LEGACY_SDIST_ENDINGS,
    SDIST_ENDINGS,
    parse_filename,
)
from wheelyard.protocol.model import File, Project
from wheelyard.protocol.names import ProjectName
from wheelyard.publish.origins import find_origin
from wheelyard.publish.rules import Released, check_open, exists
from wheelyard.publish.shelf import Shelf, listed
from wheelyard.storage import keys
from wheelyard.storage.store import Store
from wheelyard.transfer.importing.offers import Candidate, Offer, OtherIndex

Action = Literal["take", "there", "cannot"]

_READERS = 16
_ENDINGS = (".whl", *SDIST_ENDINGS, *LEGACY_SDIST_ENDINGS, ".egg")


class Decision(NamedTuple):
    """What is to become, or what became, of a file.

    ``reason`` says why it cannot be taken, or what could not be taken along with it. ``there`` is the
    very same file that is listed already.
    """

    candidate: Candidate
    action: Action
    reason: str = ""


class Plan(NamedTuple):
    """What is to become of every file, by project and name."""

    offer: Offer
    decisions: tuple[Decision, ...]

    def of(self, action: Action) -> tuple[Decision, ...]:
        """Those with this action."""
        return tuple(decision for decision in self.decisions if decision.action == action)

    @property
    def by_project(self) -> Iterator[tuple[ProjectName, list[Decision]]]:
        """What is to be taken."""
        for name, group in groupby(self.of("take"), lambda decision: decision.candidate.project):
            yield name, list(group)


def make_plan(shelf: Shelf, index: OtherIndex, offer: Offer) -> Plan:
    """Compare the offer with what is there. Raises ``StorageError`` and ``InvalidDocument``."""
    ordered = sorted(offer.files, key=lambda candidate: candidate.project)
    groups = [
        (name, list(group)) for name, group in groupby(ordered, lambda candidate: candidate.project)
    ]

    def decide(group: tuple[ProjectName, list[Candidate]]) -> list[Decision]:
        return list(_Project(shelf, index, shelf.project(group[0])).decide(group[1]))

    with ThreadPoolExecutor(_READERS) as pool:
        return Plan(offer, tuple(chain.from_iterable(pool.map(decide, groups))))


def hides(store: Store, plan: Plan) -> list[ProjectName]:
    """The projects that upstream has too, and that are hidden whole once they are private here."""
    snapshot = Snapshots(store).current()
    if snapshot is None:
        return []
    private = set(Catalogue(store).names())
    names = [name for name, _ in plan.by_project if name not in private]
    return [name for name in names if snapshot.find(name) is not None]


class _Project:
    """Decides on the files of one project."""

    def __init__(self, shelf: Shelf, index: OtherIndex, project: Project) -> None:
        self._shelf = shelf
        self._index = index
        self._project = project
        self._released = Released()
        for file in project.files:
            try:
                self._released.add(file)
            except FileExists:  # somebody edited the document
                continue
        self._seen: dict[str, str] = {}

    def decide(self, candidates: Iterable[Candidate]) -> Iterator[Decision]:
        # Of two source distributions of a release, the usual form is taken, and the first of others.
        for candidate in sorted(candidates, key=_precedence):
            try:
                there = self._check(candidate)
            except WheelyardError as error:
                yield Decision(candidate, "cannot", str(error))
            else:
                yield Decision(candidate, "there" if there else "take")

    def _check(self, candidate: Candidate) -> bool:
        """Whether it is there. Raises what says why it cannot be taken."""
        rules, filename = self._shelf.rules, candidate.filename
        parsed = parse_filename(filename, legacy=rules.legacy_formats)
        if parsed.project != candidate.project:
            raise InvalidFilename(f"{filename!r} is a file of {parsed.project!r}")
        other = self._seen.setdefault(filename, candidate.place)
        if other != candidate.place:
            raise FileExists(f"there is another {filename!r} at {other!r}")
        known = listed(self._project, filename)
        if known is not None and self._is(known, candidate):
            return True
        check_open(self._project)
        if candidate.size is not None and candidate.size > rules.max_size:
            raise TooLarge(
                f"it has {candidate.size} bytes, more than the {rules.max_size} accepted here: raise "
                "MAX_FILE_SIZE"
            )
        if known is None:
            self._released.add(File(filename, filename, {}))
            self._shelf.check_deleted(candidate.project, parsed.canonical)
        return False

    def _is(self, known: File, candidate: Candidate) -> bool:
        """Whether a listed file is this one; False where only its bytes can say it."""
        said, sha256 = candidate.hashes.get("sha256"), known.hashes.get("sha256")
        if said is not None and said == sha256:
            return True
        if said is not None or _differ(candidate.size, known.size):
            raise FileExists(exists(known.filename))
        record = find_origin(self._shelf.store, keys.origin(candidate.project, known.filename))
        return (
            record is not None
            and candidate.etag != ""
            and (record.sha256, record.etag) == (sha256, candidate.etag)
            and record.source == self._index.identity(candidate)
        )


def _differ(one: int | None, other: int | None) -> bool:
    return one is not None and other is not None and one != other


def _precedence(candidate: Candidate) -> tuple[int, str, str]:
    ending = next(
        (place for place, each in enumerate(_ENDINGS) if candidate.filename.endswith(each)),
        len(_ENDINGS),
    )
    return ending, candidate.upload_time or "", candidate.filename
