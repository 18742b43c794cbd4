"""The private projects' documents, read conditionally and remembered with what was made of them.

A request for a page costs one conditional read of one object, and nothing is rendered twice for the
same object in one process.
"""

from collections.abc import Callable, Hashable
from functools import cached_property
from typing import TYPE_CHECKING

from wheelyard.errors import InvalidDocument, KeyNotFound, NotFound
from wheelyard.protocol.names import ProjectName
from wheelyard.storage import keys
from wheelyard.storage.remembered import Remembered
from wheelyard.storage.store import Store, Stored

if TYPE_CHECKING:
    from wheelyard.index.pages import Page
    from wheelyard.protocol.model import File, Project

# Pages for different origins are different: whoever sends many must not fill the memory.
_MOST_VARIANTS = 32

REMEMBERED_BYTES = 32 * 1024 * 1024
"""How much a process remembers of documents and the pages made of them, about."""


def no_project(name: ProjectName) -> NotFound:
    """The error for a project that is not there, or not there for who asks: the two look the same."""
    return NotFound(f"there is no project {name!r} here")


def stored_project(name: ProjectName, raw: bytes, key: str = "") -> "Project":
    """A project of its stored document, which may have been edited from outside.

    ``key`` is where it is stored, if not where private projects' are. Raises ``InvalidDocument``, which
    names it.
    """
    # Most first answers of a process are a document as it is stored.
    from wheelyard.protocol.simple import parse_project

    key = key or keys.project(name)
    try:
        project = parse_project(raw)
    except InvalidDocument as error:
        raise InvalidDocument(
            f"{key!r} cannot be read: {error}; a rebuild makes it anew"
        ) from error
    if project.name != name:
        raise InvalidDocument(f"{key!r} cannot be read: it calls itself {project.name!r:.100}")
    return project


class Document:
    """A project's stored document, and what is derived from it, each at most once."""

    def __init__(self, name: ProjectName, stored: Stored, key: str = "") -> None:
        """``key`` is where it is stored, if not where private projects' are."""
        self.etag = stored.etag
        self._name = name
        self._key = key
        self._raw = stored.body
        self._rendered: dict[str, bytes] = {}
        self._pages: dict[Hashable, Page] = {}

    @cached_property
    def project(self) -> "Project":
        """The parsed document. Raises ``InvalidDocument``."""
        return stored_project(self._name, self._raw, self._key)

    @cached_property
    def files(self) -> "dict[str, File]":
        """The files on offer by filename. Raises ``InvalidDocument``."""
        return {file.filename: file for file in self.project.offered}

    @cached_property
    def json(self) -> bytes:
        """The document as served: as stored, but without the files of a quarantined project.

        One that is not as this index writes them is checked, and written as it does; so it raises
        ``InvalidDocument`` for what is no document, was cut off or edited into something else.
        """
        # Parsing is left out where it cannot matter: it would be most of a large page's cost.
        if b'"quarantined"' in self._raw and self.project.status == "quarantined":
            return _written(self.project._replace(files=()))
        return self._raw if self._is_ours() else _written(self.project)

    def _is_ours(self) -> bool:
        """Whether it looks as ``project_json`` makes it, by its two ends and where the files begin."""
        named = f'"name":"{self._name}",'.encode()
        return (
            self._raw.startswith(b'{"meta":{"api-version":"')
            and named in self._raw[:400]
            and (b'"files":[{"filename":"' in self._raw or self._raw.endswith(b'"files":[]}'))
            and self._raw.endswith((b"}]}", b'"files":[]}'))
        )

    @cached_property
    def attested(self) -> bool:
        """Whether a page of it depends on the origin that it is asked from."""
        return b'"provenance"' in self._raw and any(
            file.provenance is not None for file in self.project.offered
        )

    def rendered(self, form: str, render: Callable[[], bytes]) -> bytes:
        """What ``render`` makes, remembered under ``form``."""
        page = self._rendered.get(form)
        if page is None:
            page = self._rendered[form] = render()
            for old in tuple(self._rendered)[:-_MOST_VARIANTS]:
                self._rendered.pop(old, None)
        return page

    def page(self, variant: Hashable, make: "Callable[[], Page]") -> "Page":
        """The page that ``make`` makes, remembered under ``variant``; its body is what was rendered."""
        page = self._pages.get(variant)
        if page is None:
            page = self._pages[variant] = make()
            # Each has one or two renderings, so none outlives those, whose sizes count.
            for old in tuple(self._pages)[: -_MOST_VARIANTS // 2]:
                self._pages.pop(old, None)
        return page

    @property
    def size(self) -> int:
        """Bytes held, roughly."""
        # A copy at once: another thread may just be rendering.
        return 1024 + len(self._raw) + sum(map(len, tuple(self._rendered.values())))


def _written(project: "Project") -> bytes:
    from wheelyard.protocol.simple import project_json

    return project_json(project)


class Documents:
    """Reads private projects' documents from the store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._remembered: Remembered[ProjectName, Document] = Remembered(REMEMBERED_BYTES)

    def find(self, name: ProjectName) -> Document | None:
        """The project's current document, or None if no private project has this name.

        Raises ``StorageError``.
        """
        known = self._remembered.get(name)
        key = keys.project(name)
        try:
            if known is None:
                stored: Stored | None = self._store.get(key)
            else:
                stored = self._store.get_unless(key, known.etag)
        except KeyNotFound:
            self._remembered.drop(name)
            return None
        document = known if stored is None else Document(name, stored)
        if document is not None:
            self._remembered.keep(name, document)
        return document
