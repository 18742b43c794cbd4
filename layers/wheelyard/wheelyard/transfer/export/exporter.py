"""A static export: what a web server needs to serve the private index as it is now.

Files are written first, then the projects' pages, then the root listing, and what is no longer wanted
goes last: at every moment, whatever a page links to is there. Only what is different from the last
export is written.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from wheelyard.errors import DigestMismatch, KeyNotFound
from wheelyard.storage.store import Store
from wheelyard.transfer.export.files import Unfit, Wanted
from wheelyard.transfer.export.manifest import UNKNOWN, write_manifest
from wheelyard.transfer.export.pages import Page, project_pages, root_pages
from wheelyard.transfer.export.plan import Plan, digest
from wheelyard.transfer.places import BucketName, Place

_WORKERS = 8

T = TypeVar("T")
R = TypeVar("R")


class Report(NamedTuple):
    """What an export did, in numbers of objects, and what it could not export."""

    projects: int
    files: int
    pages: int
    removed: int
    unfit: tuple[Unfit, ...]


class Exporter:
    """Carries one plan out."""

    def __init__(
        self,
        store: Store,
        target: Place,
        plan: Plan,
        advance: Callable[[int], None] = lambda _: None,
        origin: BucketName | None = None,
    ) -> None:
        """``advance`` is told of every so many of the plan's steps that are done.

        ``origin`` is where the store is, if it is a bucket that the target's S3 can copy from.
        """
        self._store = store
        self._target = target
        self._plan = plan
        self._advance = advance
        self._origin = origin

    def run(self) -> Report:
        """Export. Raises ``StorageError``; the next export then goes on from there."""
        plan = self._plan
        if not plan.steps:
            return Report(len(plan.projects), 0, 0, 0, plan.unfit)
        self._announce()
        failed = [unfit for unfit in self._each(self._write_file, plan.files) if unfit]
        lost = {unfit.key for unfit in failed}
        files = {each.key: each.digest for each in plan.files if each.listed not in lost}
        kept = {key: content for key, content in plan.kept.items() if not _belongs(key, lost)}
        unfit = (*plan.unfit, *failed)
        pages = self._write_pages({each.key for each in unfit})
        digests = kept | files | pages.digests
        announced = plan.written.keys() | {each.key for each in plan.files}
        removed = sorted(announced - digests.keys())
        for _ in self._each(self._target.remove, removed):
            pass
        write_manifest(self._target, digests)
        return Report(len(plan.projects), len(files), pages.written, len(removed), unfit)

    def _announce(self) -> None:
        """From here on things change: whoever is broken off has said what."""
        changing = (*(each.key for each in self._plan.files), *self._plan.pages)
        write_manifest(self._target, {**self._plan.written, **dict.fromkeys(changing, UNKNOWN)})

    def _write_file(self, wanted: Wanted) -> Unfit | None:
        try:
            if not self._link(wanted) and not self._copy(wanted):
                chunks = _verified(self._store.read(wanted.source), wanted)
                self._target.stream(wanted.key, chunks, wanted.described)
        except (KeyNotFound, DigestMismatch) as error:
            return Unfit(wanted.listed, f"{error}: 'wheelyard rebuild' puts it right")
        return None

    def _link(self, wanted: Wanted) -> bool:
        path = self._store.local_path(wanted.source) if self._plan.options.link else None
        return path is not None and self._target.link(wanted.key, path)

    def _copy(self, wanted: Wanted) -> bool:
        return self._origin is not None and self._target.copy(
            wanted.key, self._origin, wanted.source, wanted.described
        )

    def _write_pages(self, unfit: set[str]) -> "_Pages":
        plan, pages = self._plan, _Pages({}, 0)
        groups = (project_pages(project, plan.options, unfit) for project in plan.projects)
        with ThreadPoolExecutor(_WORKERS) as pool:
            for group in pool.map(self._write_group, groups):
                self._advance(group.written)
                pages = pages.plus(group)
        # The root listing names a project once its page is there.
        names = [project.name for project in plan.projects]
        root = self._write_group(root_pages(names, plan.options, plan.root_key))
        self._advance(root.written)
        return pages.plus(root)

    def _write_group(self, group: Iterable[Page]) -> "_Pages":
        digests, count = {}, 0
        for page in group:
            digests[page.key] = digest(page)
            if self._plan.written.get(page.key) != digests[page.key]:
                self._target.write(page.key, page.body, page.described)
                count += 1
        return _Pages(digests, count)

    def _each(self, work: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        with ThreadPoolExecutor(_WORKERS) as pool:
            for done in pool.map(work, items):
                self._advance(1)
                yield done


class _Pages(NamedTuple):
    """The digests of pages that are there, and how many of them were written."""

    digests: dict[str, str]
    written: int

    def plus(self, other: "_Pages") -> "_Pages":
        self.digests.update(other.digests)
        return _Pages(self.digests, self.written + other.written)


def _belongs(key: str, listed: set[str]) -> bool:
    return any(key == file or key.startswith(f"{file}.") for file in listed)


def _verified(chunks: Iterable[bytes], wanted: Wanted) -> Iterator[bytes]:
    """The chunks. Raises ``DigestMismatch`` at their end, before they are visible, if they are others."""
    found = hashlib.sha256()
    for chunk in chunks:
        found.update(chunk)
        yield chunk
    if wanted.sha256 and found.hexdigest() != wanted.sha256:
        raise DigestMismatch(
            f"{wanted.source!r} has sha256 {found.hexdigest()}, but is listed with {wanted.sha256}"
        )
