"""What a name resolves to: a private project before everything, then what upstream has.

A private project hides the upstream one of the same name whole, files and all. That is looked at in every
request, before anything that is stored of upstream: a name that became private a moment ago, by another
process, must not show an upstream page that this one remembers.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from wheelyard.index.documents import Document, Documents, no_project
from wheelyard.index.reservations import Reservations
from wheelyard.protocol.names import ProjectName

if TYPE_CHECKING:
    from wheelyard.mirror.mirror import Mirror, MirroredProject


class Elsewhere(NamedTuple):
    """The project is to be had at this URL."""

    url: str


class Sources(NamedTuple):
    """Where names that are not private come from; each is made when it is first needed.

    At most one of them is set: ``mirror``, or ``redirect``, which gives the URL of a project's page.
    """

    mirror: "Callable[[], Mirror] | None" = None
    redirect: Callable[[ProjectName], str] | None = None


class Resolver:
    """Finds projects by name."""

    def __init__(self, documents: Documents, reservations: Reservations, sources: Sources) -> None:
        self._documents = documents
        self._reservations = reservations
        self._sources = sources

    def private(self, name: ProjectName) -> Document:
        """The private project of this name. Raises ``NotFound``."""
        document = self._documents.find(name)
        if document is None:
            raise no_project(name)
        return document

    def find(self, name: ProjectName) -> "Document | MirroredProject | Elsewhere":
        """The private project of this name, or else the upstream one.

        Raises ``NotFound``, and ``UpstreamError`` where upstream is needed and fails.
        """
        document = self._documents.find(name)
        if document is not None:
            return document
        if self._reservations.holds(name):
            raise no_project(name)
        if self._sources.redirect is not None:
            return Elsewhere(self._sources.redirect(name))
        found = self._sources.mirror().find(name) if self._sources.mirror is not None else None
        if found is None:
            raise no_project(name)
        return found
