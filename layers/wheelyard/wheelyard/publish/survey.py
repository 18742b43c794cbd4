"""What a rebuild has to look at: the stored files by project, and what stands where no file can."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import groupby
from typing import NamedTuple

from wheelyard.errors import InvalidName
from wheelyard.index.catalogue import Catalogue
from wheelyard.protocol.names import ProjectName, project_name
from wheelyard.storage import keys
from wheelyard.storage.store import Entry, Store


class Refused(NamedTuple):
    """A stored file that is not fit to be listed, and why."""

    key: str
    reason: str


class Folder(NamedTuple):
    """The distribution files stored for one project."""

    project: ProjectName
    files: tuple[Entry, ...]


class Survey(NamedTuple):
    """Everything that is to be looked at, and what stands where no file can."""

    folders: tuple[Folder, ...]
    refused: tuple[Refused, ...]


class Work(NamedTuple):
    """Some files of one project, to be looked at by one worker."""

    project: ProjectName
    files: tuple[Entry, ...]


def split(surveyed: Survey, at_once: int = 50) -> Iterator[Work]:
    """The work in pieces of ``at_once`` files at most."""
    for folder in surveyed.folders:
        for start in range(0, len(folder.files), at_once):
            yield Work(folder.project, folder.files[start : start + at_once])


def survey(store: Store) -> Survey:
    """The stored files by project; one with a document and no files is there as well.

    So is one that only the catalogue knows: its document is lost, but its name must not go upstream.
    """
    refused: list[Refused] = []
    found: dict[ProjectName, tuple[Entry, ...]] = {}
    for folder, group in groupby(store.list(keys.PACKAGES), _folder):
        entries = list(group)
        try:
            if (name := project_name(folder)) != folder:
                raise InvalidName(
                    f"{folder!r} is not a normalised project name: put the files under "
                    f"{keys.PACKAGES}{name}/"
                )
            found[name] = found.get(name, ()) + tuple(_distributions(entries, refused))
        except InvalidName as error:
            refused += [Refused(entry.key, str(error)) for entry in entries]
    for name in (*documented(store), *Catalogue(store).readable()):
        found.setdefault(name, ())
    folders = [Folder(name, files) for name, files in sorted(found.items())]
    return Survey(tuple(folders), tuple(refused))


def _folder(entry: Entry) -> str:
    return entry.key.removeprefix(keys.PACKAGES).partition("/")[0]


def _distributions(entries: Iterable[Entry], refused: list[Refused]) -> Iterator[Entry]:
    """Leaves out what belongs to a file, and what stands in a folder of its own."""
    for entry in entries:
        filename = entry.key.removeprefix(keys.PACKAGES).partition("/")[2]
        if "/" in filename or not filename:
            refused.append(Refused(entry.key, "it is not directly in its project's folder"))
        elif not filename.endswith(keys.SIDECARS):
            yield entry


def documented(store: Store) -> Iterator[ProjectName]:
    """The projects that have a document."""
    for entry in store.list(keys.PROJECTS):
        with suppress(InvalidName):
            yield project_name(entry.key.removeprefix(keys.PROJECTS).removesuffix(".json"))
