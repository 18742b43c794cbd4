"""Management: what those do who keep the index, as a Python API.

>>> from wheelyard.audit.event import Actor
>>> from wheelyard.management.management import Management
>>> from wheelyard.storage.opening import open_store
>>> management = Management(open_store(".wheelyard", {}, 900), Actor("alice", "api"))
>>> management.yank_release("acme-rocket", "1.0", reason="explodes")

The command line and the admin function do the same through ``management.orders``.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from wheelyard.audit.event import Actor, AuditedFile, Change, Event
from wheelyard.audit.trail import Trail
from wheelyard.errors import NotFound, NotPossible
from wheelyard.index.catalogue import Catalogue
from wheelyard.management.editing import edit_project, find_project, read_project
from wheelyard.management.overview import (
    file_record,
    project_details,
    project_record,
    release_records,
)
from wheelyard.management.records import (
    Deleted,
    FileRecord,
    ProjectDetails,
    ProjectRecord,
    Released,
    ReleaseRecord,
    StatusSet,
    Yanked,
)
from wheelyard.management.removal import Removal
from wheelyard.management.selection import Selection, meant, one_file, release
from wheelyard.protocol.model import STATUSES, Project, Status
from wheelyard.protocol.names import ProjectName, project_name
from wheelyard.storage.store import Store

_READERS = 16
_LONGEST_REASON = 500
LOOK_BACK = timedelta(days=7)
"""How far back the audit trail is read where nobody says."""


class Management:
    """Changes and shows what is in a store.

    Project names may be spelt in any way. Every method raises ``NotFound`` for what is not there,
    ``InvalidName``, ``InvalidVersion`` or ``InvalidFilename`` for what cannot be, and ``StorageError``.
    Every change is one atomic replacement of the project's document, and is in the audit trail first.
    """

    def __init__(self, store: Store, actor: Actor, now: Callable[[], float] = time.time) -> None:
        """``actor`` is who makes the changes; ``now`` gives seconds since 1970."""
        self._store = store
        self._actor = actor
        self._clock = now
        self._trail = Trail(store, now)
        self._removal = Removal(store)

    def now(self) -> datetime:
        """The time."""
        return datetime.fromtimestamp(self._clock(), UTC)

    # --- looking ---

    def projects(self, prefix: str = "", after: str = "") -> Iterator[ProjectRecord]:
        """The private projects whose names begin with ``prefix``, those that come after ``after``."""
        # Only those who look at many projects need it.
        from concurrent.futures import ThreadPoolExecutor

        names = [
            name
            for name in Catalogue(self._store).names()
            if name.startswith(prefix.lower()) and name > after
        ]
        with ThreadPoolExecutor(_READERS) as pool:
            for start in range(0, len(names), 8 * _READERS):
                some = names[start : start + 8 * _READERS]
                for project in pool.map(lambda name: find_project(self._store, name), some):
                    if project is not None:
                        yield project_record(project)

    def show(self, project: str) -> ProjectDetails:
        """A project with its versions."""
        return project_details(self._read(project))

    def releases(self, project: str) -> list[ReleaseRecord]:
        """A project's releases, in the order of their versions."""
        return release_records(self._read(project))

    def files(self, project: str, version: str | None = None) -> list[FileRecord]:
        """A project's files, or those of one release."""
        found = self._read(project)
        selection = None if version is None else release(version)
        return [
            file_record(file)
            for file in found.files
            if selection is None or selection.means(file.filename)
        ]

    def audit(
        self,
        project: str | None = None,
        user: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[Event]:
        """The audit trail of the last seven days, or from ``since`` to ``until``, newest first."""
        until = until or self.now() + timedelta(seconds=1)
        name = None if project is None else project_name(project)
        for event in self._trail.between(since or until - LOOK_BACK, until):
            if name in (None, event.change.project) and user in (None, event.actor.user):
                yield event

    # --- deleting ---

    def delete_release(self, project: str, version: str) -> Deleted:
        """Delete every file of a release for good. The names of the files are not used again."""
        return self._delete(project_name(project), release(version), {"version": version})

    def delete_file(self, project: str, filename: str) -> Deleted:
        """Delete one file for good. Its name is not used again."""
        return self._delete(project_name(project), one_file(filename), {})

    def _delete(
        self, name: ProjectName, selection: Selection, details: dict[str, object]
    ) -> Deleted:
        doomed = self._removal.doomed(name, selection)
        files = [AuditedFile(each.filename, each.sha256) for each in doomed]
        with self._trail.recording(self._actor, Change("delete", name, files, details)):
            left = self._removal.remove(name, doomed)
        return Deleted(name, tuple(each.filename for each in doomed), left)

    def release_name(self, project: str) -> Released:
        """Have the name of a project private no longer, so that upstream's project is served again.

        Raises ``NotPossible`` while the project has files.
        """
        name = project_name(project)
        self._removal.check_empty(name)
        with self._trail.recording(self._actor, Change("release-name", name)):
            self._removal.give_up(name)
        return Released(name, released=True)

    # --- yanking (PEP 592) ---

    def yank_release(self, project: str, version: str, reason: str | None = None) -> Yanked:
        """Yank every file of a release."""
        return self._yank(project_name(project), release(version), _reason(reason) or True)

    def yank_file(self, project: str, filename: str, reason: str | None = None) -> Yanked:
        """Yank one file."""
        return self._yank(project_name(project), one_file(filename), _reason(reason) or True)

    def unyank_release(self, project: str, version: str) -> Yanked:
        """Have no file of a release yanked."""
        return self._yank(project_name(project), release(version), None)

    def unyank_file(self, project: str, filename: str) -> Yanked:
        """Have one file yanked no longer."""
        return self._yank(project_name(project), one_file(filename), None)

    def _yank(self, name: ProjectName, selection: Selection, yanked: bool | str | None) -> Yanked:
        project = read_project(self._store, name)
        filenames = _found(project, selection)

        def change(project: Project) -> Project:
            files = tuple(
                file._replace(yanked=yanked)
                if file.filename in filenames and (file.yanked or None) != yanked
                else file
                for file in project.files
            )
            return project._replace(files=files)

        changed = change(project) != project
        if changed:
            action = "yank" if yanked else "unyank"
            details = {"reason": yanked} if isinstance(yanked, str) else {}
            audited = Change(action, name, _audited(project, filenames), details)
            with self._trail.recording(self._actor, audited):
                edit_project(self._store, name, change)
        return Yanked(name, tuple(filenames), yanked or False, changed)

    # --- status (PEP 792) ---

    def set_status(self, project: str, status: str, reason: str | None = None) -> StatusSet:
        """Mark a project as active, archived, quarantined or deprecated.

        Archived and quarantined projects take no uploads, and quarantined ones offer no files.
        """
        name, known, said = project_name(project), _status(status), _reason(reason)
        # The specification's default is left out, so that old clients see nothing new.
        stored = None if known == "active" and said is None else known

        def change(project: Project) -> Project:
            return project._replace(status=stored, status_reason=said)

        before = read_project(self._store, name)
        changed = change(before) != before
        if changed:
            details = {"status": known, **({"reason": said} if said else {})}
            with self._trail.recording(self._actor, Change("status", name, (), details)):
                edit_project(self._store, name, change)
        return StatusSet(name, known, said, changed)

    def _read(self, project: str) -> Project:
        return read_project(self._store, project_name(project))


def _found(project: Project, selection: Selection) -> list[str]:
    filenames = meant(selection, (file.filename for file in project.files))
    if not filenames:
        raise NotFound(f"project {project.name!r} has no {selection}")
    return filenames


def _audited(project: Project, filenames: Sequence[str]) -> list[AuditedFile]:
    return [
        AuditedFile(file.filename, file.hashes.get("sha256"))
        for file in project.files
        if file.filename in filenames
    ]


def _reason(raw: str | None) -> str | None:
    """A reason as clients print it, None for none. Raises ``NotPossible`` for what they could not."""
    reason = (raw or "").strip()
    if len(reason) > _LONGEST_REASON or not reason.isprintable():
        raise NotPossible(
            f"this reason cannot be given: use one line of at most {_LONGEST_REASON} characters"
        )
    return reason or None


def _status(raw: str) -> Status:
    for status in STATUSES:
        if raw == status:
            return status
    raise NotPossible(f"{raw[:100]!r} is no status: use one of {', '.join(STATUSES)}")
