"""What an export has to do, by comparing what the store has with what the last export wrote."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from itertools import chain
from typing import NamedTuple

from wheelyard.index.catalogue import Catalogue
from wheelyard.index.documents import Documents
from wheelyard.protocol.model import Project
from wheelyard.storage.store import Store
from wheelyard.transfer.export.files import Unfit, Wanted, files_of
from wheelyard.transfer.export.options import ROOT_PAGE, Options
from wheelyard.transfer.export.pages import Page, project_pages, root_pages

_READERS = 16


class Plan(NamedTuple):
    """What is to be done.

    ``written``   what earlier exports wrote: key to digest
    ``kept``      the part of it that are files, and stay as they are
    ``files``     to be written, and ``pages``: the keys of pages to be written
    ``removed``   keys that are no longer wanted
    ``unfit``     listed files that cannot be exported
    ``root_key``  where the root page goes
    """

    projects: tuple[Project, ...]
    options: Options
    root_key: str
    written: Mapping[str, str]
    kept: Mapping[str, str]
    files: tuple[Wanted, ...]
    pages: tuple[str, ...]
    removed: tuple[str, ...]
    unfit: tuple[Unfit, ...]

    @property
    def steps(self) -> int:
        """How many objects are to be written or removed."""
        return len(self.files) + len(self.pages) + len(self.removed)

    @property
    def size(self) -> int:
        """Bytes of the files to be written, as far as their pages say it."""
        sizes = {
            f"{project.name}/{file.filename}": file.size or 0
            for project in self.projects
            for file in project.offered
        }
        return sum(sizes.get(wanted.key, 0) for wanted in self.files)


def make_plan(
    store: Store, options: Options, written: Mapping[str, str], root_key: str = ROOT_PAGE
) -> Plan:
    """Compare. Raises ``StorageError`` and ``InvalidDocument``."""
    projects = _projects(store)
    found = [] if options.files_url else list(_files(store, projects))
    unfit = tuple(each for each in found if isinstance(each, Unfit))
    wanted = [each for each in found if isinstance(each, Wanted)]
    pages = {page.key: digest(page) for page in every_page(projects, options, unfit, root_key)}
    known = {each.key for each in wanted} | pages.keys()
    return Plan(
        projects=projects,
        options=options,
        root_key=root_key,
        written=written,
        kept={each.key: each.digest for each in wanted if written.get(each.key) == each.digest},
        files=tuple(each for each in wanted if written.get(each.key) != each.digest),
        pages=tuple(key for key, content in pages.items() if written.get(key) != content),
        removed=tuple(sorted(written.keys() - known)),
        unfit=unfit,
    )


def digest(page: Page) -> str:
    """What tells a page's content from another."""
    return f"sha256:{sha256(page.body).hexdigest()}"


def every_page(
    projects: tuple[Project, ...], options: Options, unfit: tuple[Unfit, ...], root_key: str
) -> Iterator[Page]:
    """All pages, the root listing last, one at a time."""
    left_out = {each.key for each in unfit}
    names = [project.name for project in projects]
    each = (project_pages(project, options, left_out) for project in projects)
    return chain(chain.from_iterable(each), root_pages(names, options, root_key))


def _projects(store: Store) -> tuple[Project, ...]:
    documents = Documents(store)
    with ThreadPoolExecutor(_READERS) as pool:
        found = pool.map(documents.find, Catalogue(store).names())
        return tuple(document.project for document in found if document is not None)


def _files(store: Store, projects: tuple[Project, ...]) -> Iterator[Wanted | Unfit]:
    with ThreadPoolExecutor(_READERS) as pool:
        for found in pool.map(lambda project: list(files_of(store, project)), projects):
            yield from found
