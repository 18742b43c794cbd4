"""Files as s3pypi, terraform-aws-serverless-pypi, elasticpypi and pypiserver keep them.

In folders named for their projects, with a page in each or without one (``<project>/<file>``, and
``<project>/index.html`` or a key ``<project>/``); or wherever they are, by what they are called. What
``wheelyard export`` writes is of the first kind.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from wheelyard.errors import InvalidDocument, InvalidFilename, InvalidName
from wheelyard.protocol.filenames import parse_filename
from wheelyard.protocol.model import File, Project
from wheelyard.protocol.names import ProjectName, project_name
from wheelyard.protocol.simple import parse_project
from wheelyard.protocol.simple_html import parse_project_html
from wheelyard.publish.shelf import upload_time
from wheelyard.transfer.importing.details import (
    known_hashes,
    known_requires_python,
    known_time,
    known_yank,
)
from wheelyard.transfer.importing.offers import Candidate, Left, Marker, Offer
from wheelyard.transfer.places import Item, Place

_PAGES = ("index.json", "index.html", "")
_READERS = 16
_BESIDE = (".metadata", ".asc", ".provenance", ".sig")


class Found(NamedTuple):
    """What became of the objects of one folder."""

    files: list[Candidate]
    left: list[Left]
    marker: Marker | None


def in_folders(
    place: Place,
    items: Iterable[Item],
    wanted: Collection[ProjectName],
    *,
    unlisted: bool,
    base: str = "",
) -> Offer:
    """The files that stand in folders named for their projects, directly below ``base``.

    ``unlisted`` also takes those that are not on their folder's page.
    """
    left: list[Left] = []
    projects: list[tuple[ProjectName, dict[str, Item]]] = []
    for folder, inside in _by_folder(items).items():
        try:
            name = project_name(folder.removeprefix(base))
        except InvalidName:
            others = [item for filename, item in inside.items() if not _is_page(filename)]
            left += [Left(item.key, "it is in no project's folder") for item in others]
            continue
        if not wanted or name in wanted:
            projects.append((name, inside))
    with ThreadPoolExecutor(_READERS) as pool:
        found = list(pool.map(lambda each: in_folder(place, *each, unlisted=unlisted), projects))
    return Offer(
        files=tuple(file for each in found for file in each.files),
        left=(*left, *(item for each in found for item in each.left)),
        markers={
            name: each.marker
            for (name, _), each in zip(projects, found, strict=True)
            if each.marker is not None
        },
    )


def _by_folder(items: Iterable[Item]) -> dict[str, dict[str, Item]]:
    folders: dict[str, dict[str, Item]] = {}
    for item in items:
        folder, _, name = item.key.rpartition("/")
        folders.setdefault(folder, {})[name] = item
    return folders


def in_folder(
    place: Place, name: ProjectName, inside: Mapping[str, Item], *, unlisted: bool
) -> Found:
    """The files of one project, ``inside`` by their names."""
    left: list[Left] = []
    page = _page(place, name, inside, left)
    listed = None if page is None else {file.filename: file for file in page.files}
    files = []
    for filename, item in inside.items():
        if _is_page(filename) or filename.endswith(_BESIDE):
            continue
        try:
            project = parse_filename(filename, legacy=True).project
        except InvalidFilename as error:
            left.append(Left(item.key, str(error)))
            continue
        if project != name:
            left.append(Left(item.key, f"it is a file of {project!r} in the folder of {name!r}"))
        elif listed is not None and filename not in listed and not unlisted:
            left.append(Left(item.key, "its folder's page does not list it: see --unlisted"))
        else:
            files.append(_candidate(name, filename, item, inside, (listed or {}).get(filename)))
    missing = sorted((listed or {}).keys() - inside.keys())
    left += [Left(filename, f"{name}'s page lists it, but it is not there") for filename in missing]
    marker = Marker(page.status, page.status_reason) if page and page.status else None
    return Found(files, left, marker)


def _page(
    place: Place, name: ProjectName, inside: Mapping[str, Item], left: list[Left]
) -> Project | None:
    for filename in _PAGES:
        item = inside.get(filename)
        if item is None or (not filename and not item.size):
            continue
        try:
            raw = place.read(item.key)
            if filename == "index.json":
                return parse_project(raw)
            return parse_project_html(raw, name).project
        except InvalidDocument as error:
            left.append(Left(item.key, f"it is no project's page: {error}"))
    return None


def _candidate(
    name: ProjectName,
    filename: str,
    item: Item,
    inside: Mapping[str, Item],
    listed: File | None,
) -> Candidate:
    listed = listed or File(filename, filename, {})
    signature, provenance = inside.get(f"{filename}.asc"), inside.get(f"{filename}.provenance")
    return Candidate(
        project=name,
        filename=filename,
        place=item.key,
        hashes=known_hashes(listed.hashes),
        size=item.size,
        etag=item.etag,
        upload_time=known_time(listed.upload_time) or upload_time(item.modified),
        requires_python=known_requires_python(listed.requires_python),
        yanked=known_yank(listed.yanked),
        signature=signature.key if signature else None,
        provenance=provenance.key if provenance else None,
    )


def flat(items: Iterable[Item], wanted: Collection[ProjectName]) -> Offer:
    """The files wherever they stand, each of the project that its name says."""
    files, left = [], []
    beside = {item.key: item for item in items}
    for key, item in beside.items():
        filename = key.rpartition("/")[2]
        if _is_page(filename) or filename.endswith(_BESIDE):
            continue
        try:
            name = parse_filename(filename, legacy=True).project
        except InvalidFilename as error:
            left.append(Left(key, str(error)))
            continue
        if not wanted or name in wanted:
            signature = beside.get(f"{key}.asc")
            inside = {f"{filename}.asc": signature} if signature else {}
            files.append(_candidate(name, filename, item, inside, None))
    return Offer(tuple(files), tuple(left))


def _is_page(filename: str) -> bool:
    """A page, or something that is hidden, such as the manifest of an export."""
    return filename in _PAGES or filename.startswith(".")


def stands_in_folders(items: Iterable[Item]) -> bool:
    """Whether any file stands in a folder that is named for its project."""
    return any(_is_in_its_folder(item.key) for item in items)


def _is_in_its_folder(key: str) -> bool:
    folder, _, filename = key.rpartition("/")
    try:
        name = parse_filename(filename, legacy=True).project
        return project_name(folder) == name
    except (InvalidFilename, InvalidName):
        return False


def distribution_files(items: Iterable[Item]) -> Iterator[Item]:
    """Those that are called as distributions are."""
    for item in items:
        try:
            parse_filename(item.key.rpartition("/")[2], legacy=True)
        except InvalidFilename:
            continue
        yield item
