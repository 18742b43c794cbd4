"""Deleting files for good, and giving up a name: what a killed command leaves, its repetition completes."""

from collections.abc import Iterable

from wheelyard.errors import NotFound, NotPossible
from wheelyard.index.catalogue import Catalogue
from wheelyard.management.editing import edit_project, find_project, no_project
from wheelyard.management.selection import Selection, canonical, meant
from wheelyard.protocol.model import Project
from wheelyard.protocol.names import ProjectName
from wheelyard.publish.rules import Rules
from wheelyard.publish.shelf import Doomed, Shelf
from wheelyard.storage import keys
from wheelyard.storage.store import Store

_RELEASING = "its name is being given up"


class Removal:
    """Takes files and names out of a store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._catalogue = Catalogue(store)
        # Nothing is published here, so no rule counts.
        self._shelf = Shelf(store, self._catalogue, Rules(max_size=0))

    def doomed(self, name: ProjectName, selection: Selection) -> list[Doomed]:
        """What is to be deleted: the files that are listed, and those that are only stored.

        The latter are of an upload, or of a deletion, that did not get to its end. Raises ``NotFound`` if
        there is neither.
        """
        project = find_project(self._store, name)
        listed = {file.filename: file for file in project.files} if project else {}
        stored = self.stored(name)
        if project is None and not stored:
            raise no_project(name)
        found = meant(selection, sorted({*listed, *stored}))
        if not found:
            raise NotFound(f"project {name!r} has no {selection}")
        return [
            Doomed(
                filename,
                canonical(filename),
                listed[filename].hashes.get("sha256") if filename in listed else None,
            )
            for filename in found
        ]

    def remove(self, name: ProjectName, files: list[Doomed]) -> int:
        """Delete the files; returns how many the project has left."""
        self._shelf.remove(name, files)
        project = find_project(self._store, name)
        return len(project.files) if project else 0

    def stored(self, name: ProjectName) -> set[str]:
        """The names of the files that are stored, and of those of which only a part is left."""
        prefix = keys.package(name, "")
        return {
            _without_ending(entry.key.removeprefix(prefix)) for entry in self._store.list(prefix)
        }

    def check_empty(self, name: ProjectName) -> None:
        """Raises ``NotFound`` if there is no such project, and ``NotPossible`` if it has files."""
        project = find_project(self._store, name)
        if project is None:
            raise no_project(name)
        _check_no_files(name, [file.filename for file in project.files])
        _check_no_files(name, self._not_deleted(name))

    def give_up(self, name: ProjectName) -> None:
        """Have the name private no longer. Raises what ``check_empty`` raises, and then changes nothing."""
        before: list[Project] = []

        def close(project: Project) -> Project:
            _check_no_files(name, [file.filename for file in project.files])
            before.append(project)
            return project._replace(status="archived", status_reason=_RELEASING)

        # From here on no upload is listed, so nothing can come in between what follows.
        edit_project(self._store, name, close)
        try:
            _check_no_files(name, self._not_deleted(name))
        except NotPossible:
            edit_project(self._store, name, lambda _: before[-1])
            raise
        leftover = [Doomed(each, canonical(each), None) for each in self.stored(name)]
        self._shelf.remove(name, leftover)
        # The document goes last: while it is there, the name is private, and this can be done again.
        self._catalogue.remove(name)
        self._store.delete(keys.project(name))

    def _not_deleted(self, name: ProjectName) -> list[str]:
        """The files that are stored, and that nobody deleted."""
        find = self._shelf.tombstones.find
        return [each for each in sorted(self.stored(name)) if find(name, canonical(each)) is None]


def _check_no_files(name: ProjectName, filenames: Iterable[str]) -> None:
    for filename in filenames:
        raise NotPossible(
            f"project {name!r} has files, {filename!r} for one: a name is given up when all are deleted"
        )


def _without_ending(filename: str) -> str:
    ending = next((ending for ending in keys.SIDECARS if filename.endswith(ending)), "")
    return filename.removesuffix(ending)
