"""What is listed, made again from the files that are stored.

Documents are replaced in place, so that nothing is absent meanwhile; uploads may go on. What only a
document knows is kept from it: yanks, the project's status, and upload times, which are the store's own
where there is no document. Every change is in the audit trail before it is made.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import NamedTuple

from wheelyard.audit.event import AuditedFile, Change
from wheelyard.audit.recorder import Recorder, unrecorded
from wheelyard.errors import FileExists, Forbidden, InvalidDocument, InvalidName, KeyNotFound
from wheelyard.index.catalogue import Catalogue
from wheelyard.protocol.filenames import parse_filename
from wheelyard.protocol.model import File, Project
from wheelyard.protocol.names import ProjectName
from wheelyard.protocol.simple import parse_project, project_json
from wheelyard.publish.examining import UNFIT, examine, sha256_of
from wheelyard.publish.listing import with_files
from wheelyard.publish.rules import Released
from wheelyard.publish.session import is_promised
from wheelyard.publish.shelf import Shelf, as_listed
from wheelyard.publish.survey import Refused, Survey, Work, documented, split, survey
from wheelyard.storage import keys
from wheelyard.storage.editing import edit_object
from wheelyard.storage.store import Entry, Store, Stored

_WORKERS = 8


class Finding(NamedTuple):
    """What was found out about one stored file: how it is to be listed, or why it is not.

    ``etag``      of the object that was looked at
    ``repaired``  its ``.metadata`` was missing or wrong, and was written anew
    """

    key: str
    etag: str
    file: File | None
    refused: str | None = None
    repaired: bool = False


class Changes(NamedTuple):
    """What became of one project; all lists are of filenames but ``refused``."""

    project: ProjectName
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    repaired: tuple[str, ...] = ()
    refused: tuple[Refused, ...] = ()
    rewritten: bool = False

    @property
    def any(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self.rewritten or self.repaired or self.refused)


class Report(NamedTuple):
    """What a rebuild did; ``projects`` and ``files`` are how many it looked at."""

    projects: int
    files: int
    changes: tuple[Changes, ...]
    refused: tuple[Refused, ...]
    catalogued: tuple[str, ...]
    uncatalogued: tuple[str, ...]


def rebuild(
    shelf: Shelf,
    progress: Callable[[Survey], Callable[[int], None]],
    record: Recorder = unrecorded,
) -> Report:
    """Make every project's document, every ``.metadata`` and the catalogue again.

    ``progress`` is told of the whole work once, and what it returns of every so many files done; ``record``
    has what is changed in the audit trail.
    """
    surveyed = survey(shelf.store)
    advance = progress(surveyed)
    found: dict[ProjectName, list[Finding]] = {folder.project: [] for folder in surveyed.folders}
    with ThreadPoolExecutor(_WORKERS) as pool:
        works = list(split(surveyed))
        examined = pool.map(lambda work: examine_files(shelf, work, record), works)
        for work, findings in zip(works, examined, strict=True):
            found[work.project] += findings
            advance(len(work.files))
        changes = list(pool.map(lambda name: relist(shelf, name, found[name], record), found))
    return Report(
        projects=len(surveyed.folders),
        files=sum(len(folder.files) for folder in surveyed.folders),
        changes=tuple(change for change in changes if change.any),
        refused=surveyed.refused,
        **recatalogue(shelf, record)._asdict(),
    )


def examine_files(shelf: Shelf, work: Work, record: Recorder = unrecorded) -> list[Finding]:
    """Look at stored files, and have the ``.metadata`` of each as the archive has it."""
    known = {file.filename: file for file in _current(shelf.store, work.project).files}
    return [
        _examine_file(shelf, work.project, entry, known.get(_filename(entry.key)), record)
        for entry in work.files
    ]


def _filename(key: str) -> str:
    return key.rpartition("/")[2]


def _examine_file(
    shelf: Shelf, name: ProjectName, entry: Entry, known: File | None, record: Recorder
) -> Finding:
    filename = _filename(entry.key)
    try:
        return _finding(shelf, name, filename, known, record)
    except KeyNotFound:
        return Finding(entry.key, entry.etag, None)
    except UNFIT as error:
        # What was once found sound and is still the same stays, whatever today's checks make of it.
        if known is not None and sha256_of(shelf.store, entry.key) == known.hashes.get("sha256"):
            return Finding(entry.key, entry.etag, known, f"it stays listed, although {error}")
        return Finding(entry.key, entry.etag, None, str(error))


def _finding(
    shelf: Shelf, name: ProjectName, filename: str, known: File | None, record: Recorder
) -> Finding:
    rules, store = shelf.rules, shelf.store
    key = keys.package(name, filename)
    if known is None and is_promised(store, name, filename):
        raise Forbidden(
            f"{filename!r} is just being published, together with others of its release"
        )
    if known is None:
        shelf.check_withdrawn(name, filename)
    incoming, entry = examine(
        store,
        key,
        filename,
        name,
        max_size=max(rules.max_size, known.size or 0 if known else 0),
        legacy_formats=rules.legacy_formats or known is not None,
    )
    if known is not None and known.hashes.get("sha256") != incoming.sha256 and not rules.overwrite:
        raise FileExists(
            f"{filename!r} was published with sha256 {known.hashes.get('sha256')}, but the stored file "
            f"has {incoming.sha256}: put the published one back"
        )
    if known is None and not rules.reuse_deleted:
        shelf.check_deleted(name, incoming.distribution.canonical)
    change = Change("rebuild", name, (AuditedFile(filename, incoming.sha256),), {"did": "metadata"})
    described = incoming.distribution.metadata_bytes
    repaired = _repair(store, keys.metadata(name, filename), described, lambda: record(change))
    signed = shelf.store.exists(keys.signature(name, filename))
    attested = shelf.store.exists(keys.provenance(name, filename))
    file = as_listed(incoming, entry.modified, signed=signed, attested=attested)
    if known is not None:
        file = file._replace(yanked=known.yanked)
        if known.hashes.get("sha256") == incoming.sha256:
            file = file._replace(upload_time=known.upload_time or file.upload_time)
    return Finding(key, entry.etag, file, repaired=repaired)


def _repair(
    store: Store, key: str, body: bytes, recording: Callable[[], AbstractContextManager[object]]
) -> bool:
    with suppress(KeyNotFound):
        if store.get(key).body == body:
            return False
    with recording():
        store.put(key, body)
    return True


def relist(
    shelf: Shelf, name: ProjectName, findings: Sequence[Finding], record: Recorder = unrecorded
) -> Changes:
    """Have the project's document list what was found, if it is still there, and nothing else.

    Files that were published since are kept.
    """
    outcome = Changes(name)
    change: Change | None = None

    def edit(stored: Stored | None) -> bytes | None:
        nonlocal outcome, change
        before = _read(name, stored)
        after, refused = _relisted(shelf, before, findings)
        outcome = _changes(before, after, findings, refused)
        change = _audited(before, after, outcome)
        # A name that was given up since it was catalogued stays given up.
        if stored is None and not after.files and not _catalogued(shelf, name):
            return None
        body = project_json(after)
        return None if stored is not None and stored.body == body else body

    key = keys.project(name)
    try:
        stored: Stored | None = shelf.store.get(key)
    except KeyNotFound:
        stored = None
    # What is about to be changed is recorded first; most projects have nothing to be.
    if edit(stored) is None or change is None:
        return outcome
    with record(change):
        written = edit_object(shelf.store, key, edit)
    return outcome._replace(rewritten=written)


def _audited(before: Project, after: Project, outcome: Changes) -> Change:
    known = {file.filename: file for project in (before, after) for file in project.files}
    did = {"added": outcome.added, "removed": outcome.removed, "updated": outcome.updated}
    names = [name for each in did.values() for name in each]
    files = [AuditedFile(name, known[name].hashes.get("sha256")) for name in names]
    details = {"did": "page", **{what: list(each) for what, each in did.items() if each}}
    return Change("rebuild", before.name, files, details)


def _catalogued(shelf: Shelf, name: ProjectName) -> bool:
    with suppress(InvalidDocument, InvalidName):
        return name in shelf.catalogue
    return False


def _relisted(
    shelf: Shelf, before: Project, findings: Sequence[Finding]
) -> tuple[Project, list[Refused]]:
    name = before.name
    now = {entry.key: entry for entry in shelf.store.list(f"{keys.PACKAGES}{name}/")}
    old = {file.filename: file for file in before.files}
    refused = [Refused(found.key, found.refused) for found in findings if found.refused]
    looked_at = {found.key for found in findings}
    released = Released()
    for listed in before.files:
        key = keys.package(name, listed.filename)
        if key in now and key not in looked_at:
            released.add(listed)
    for found in sorted(findings, key=lambda found: _precedence(old, found, now)):
        entry, known = now.get(found.key), old.get(_filename(found.key))
        if entry is None:
            continue
        # What was replaced since is listed by whoever replaced it.
        file = found.file if entry.etag == found.etag else known
        if file is None:
            continue
        try:
            if known is None:
                _check_not_deleted(shelf, name, file.filename)
            released.add(file._replace(yanked=known.yanked) if known else file)
        except FileExists as error:
            refused.append(Refused(found.key, str(error)))
    return with_files(before, released.files), refused


def _check_not_deleted(shelf: Shelf, name: ProjectName, filename: str) -> None:
    """Raises ``FileExists`` for a file whose deletion began since it was looked at: it is stored still."""
    parsed = parse_filename(filename, legacy=True)
    if not shelf.rules.reuse_deleted:
        shelf.check_deleted(name, parsed.canonical)


def _precedence(
    old: Mapping[str, File], found: Finding, now: Mapping[str, Entry]
) -> tuple[bool, str, str]:
    """Of rivals, the one that is listed comes first, then the one that was stored first."""
    filename, entry = _filename(found.key), now.get(found.key)
    return filename not in old, entry.modified.isoformat() if entry else "", filename


def _changes(
    before: Project, after: Project, findings: Sequence[Finding], refused: Sequence[Refused]
) -> Changes:
    old = {file.filename: file for file in before.files}
    new = {file.filename: file for file in after.files}
    return Changes(
        before.name,
        added=tuple(name for name in new if name not in old),
        removed=tuple(name for name in old if name not in new),
        updated=tuple(name for name in new if name in old and old[name] != new[name]),
        repaired=tuple(_filename(found.key) for found in findings if found.repaired),
        refused=tuple(refused),
    )


def _current(store: Store, name: ProjectName) -> Project:
    try:
        return _read(name, store.get(keys.project(name)))
    except KeyNotFound:
        return Project(name)


def _read(name: ProjectName, stored: Stored | None) -> Project:
    """The document, or that of a project without files where there is none that can be read."""
    with suppress(InvalidDocument, InvalidName):
        if stored is not None:
            return parse_project(stored.body)._replace(name=name)
    return Project(name)


class Recatalogued(NamedTuple):
    """The projects that the catalogue did not have, and those that it had and that are not there."""

    catalogued: tuple[str, ...]
    uncatalogued: tuple[str, ...]


def recatalogue(shelf: Shelf, record: Recorder = unrecorded) -> Recatalogued:
    """Have exactly those projects in the catalogue that have a document."""
    there = set(documented(shelf.store))
    known = set(Catalogue(shelf.store).readable())
    did = {"catalogued": sorted(there - known), "uncatalogued": sorted(known - there)}
    details = {what: names for what, names in did.items() if names}
    change = Change("rebuild", details={"did": "catalogue", **details})
    with record(change) if details else nullcontext():
        added, removed = shelf.catalogue.correct(
            there, lambda name: shelf.store.exists(keys.project(name))
        )
    return Recatalogued(tuple(sorted(added)), tuple(sorted(removed)))
