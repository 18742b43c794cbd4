"""An index that is asked over HTTP: a devpi, a pypiserver, or any other simple index."""

from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from wheelyard.errors import (
    InvalidDocument,
    InvalidName,
    SourceUnclear,
    TooLarge,
    UpstreamError,
    UpstreamInvalid,
    UpstreamRefused,
)
from wheelyard.mirror.location import origin, parse_location
from wheelyard.mirror.pages import LARGEST_PAGE
from wheelyard.mirror.parsing import ACCEPT, ParsedPage, parse_page
from wheelyard.mirror.rewriting import absolute
from wheelyard.mirror.root import read_root, root_reader
from wheelyard.mirror.upstream import Answer, Upstream, failed
from wheelyard.protocol.model import File
from wheelyard.protocol.names import ProjectName, project_name
from wheelyard.publish.shelf import upload_time
from wheelyard.transfer.importing.details import (
    known_hashes,
    known_requires_python,
    known_time,
    known_yank,
)
from wheelyard.transfer.importing.offers import Candidate, Left, Marker, Offer, OtherIndex

MOST_PROJECTS = 10_000
"""An index with more of them is rather a mirror of the public one, and is not taken without a word."""

_TIMEOUT = 30.0
_READERS = 8
_LARGEST_SMALL = 1024 * 1024


class HttpIndex(OtherIndex):
    """A simple index (PEP 503, PEP 691) by its URL, which may hold credentials."""

    def __init__(self, url: str, *, everything: bool = False) -> None:
        """``everything``: however many projects it has. Raises ``SourceUnclear`` for what is no URL."""
        if origin(url) is None:
            raise SourceUnclear("the index's URL is not one of http or https with a host")
        self._location = parse_location(url)
        self._everything = everything
        self._upstream = Upstream(lambda: self._location, _TIMEOUT)
        self.location = self._location.url

    def offer(self, wanted: Collection[ProjectName]) -> Offer:
        left: list[Left] = []
        names = sorted(wanted) if wanted else self._names(left)
        if len(names) > MOST_PROJECTS and not self._everything:
            raise SourceUnclear(
                f"the index has {len(names)} projects, so it rather mirrors a public one: name those to "
                "take by --project, or say --all"
            )
        with ThreadPoolExecutor(_READERS) as pool:
            pages = list(pool.map(self._project, names))
        return Offer(
            files=tuple(file for page in pages for file in page.files),
            left=(*left, *(each for page in pages for each in page.left)),
            unreadable=tuple(page.unreadable for page in pages if page.unreadable),
            markers={
                name: page.marker
                for name, page in zip(names, pages, strict=True)
                if page.marker is not None
            },
        )

    def _names(self, left: list[Left]) -> list[ProjectName]:
        names = set()
        headers = {"accept": ACCEPT}
        with self._upstream.get(self.location, headers) as answer:
            _require(answer)
            try:
                reader = root_reader(answer.headers.get("content-type", ""))
                for group in read_root(reader, answer.chunks()):
                    for raw in group.names:
                        try:
                            names.add(project_name(raw))
                        except InvalidName as error:
                            left.append(Left(raw[:200], str(error)))
            except InvalidDocument as error:
                raise SourceUnclear(f"{self.location!r} is no simple index: {error}") from error
        return sorted(names)

    def _project(self, name: ProjectName) -> "_Page":
        try:
            page = self._page(name)
        except UpstreamError as error:
            unreadable = Left(self._location.page(name), str(error))
            return _Page((), (), unreadable, None)
        project = page.project
        files, left = [], []
        for file in project.files:
            url = absolute(page.base, file.url)
            if url is None:
                left.append(
                    Left(file.filename, f"{name}'s page has no link to it that can be used")
                )
            else:
                files.append(_candidate(name, file, url, page.base))
        marker = Marker(project.status, project.status_reason) if project.status else None
        return _Page(tuple(files), tuple(left), None, marker)

    def _page(self, name: ProjectName) -> ParsedPage:
        url = self._location.page(name)
        with self._upstream.get(url, {"accept": ACCEPT}) as answer:
            _require(answer)
            try:
                raw = answer.body(LARGEST_PAGE)
            except TooLarge as error:
                raise UpstreamInvalid(f"the page of {name!r} is too large") from error
            return parse_page(raw, answer.headers.get("content-type", ""), answer.url, name)

    def fetch(self, candidate: Candidate, write: Callable[[bytes], object]) -> str | None:
        # As it is: a server that compresses archives on their way would change what is hashed.
        with self._upstream.get(candidate.place, {"accept-encoding": "identity"}) as answer:
            _require(answer)
            for chunk in answer.chunks():
                write(chunk)
            return _changed(answer.headers.get("last-modified"))

    def read(self, place: str) -> bytes:
        with self._upstream.get(place, {}) as answer:
            _require(answer)
            try:
                return answer.body(_LARGEST_SMALL)
            except TooLarge as error:
                raise UpstreamInvalid("it is too large for what it is") from error

    def identity(self, candidate: Candidate) -> str:
        return candidate.place


class _Page(NamedTuple):
    """What one project has."""

    files: Iterable[Candidate]
    left: Iterable[Left]
    unreadable: Left | None
    marker: Marker | None


def _candidate(name: ProjectName, file: File, url: str, base: str) -> Candidate:
    return Candidate(
        project=name,
        filename=file.filename,
        place=url,
        hashes=known_hashes(file.hashes),
        size=file.size,
        upload_time=known_time(file.upload_time),
        requires_python=known_requires_python(file.requires_python),
        yanked=known_yank(file.yanked),
        signature=f"{url}.asc" if file.gpg_sig else None,
        provenance=absolute(base, file.provenance) if file.provenance else None,
    )


def _require(answer: Answer) -> None:
    if answer.status in (401, 403):
        raise UpstreamRefused(
            f"the index answers {answer.status}: give a user and a password that may read, as in "
            "https://user:password@host/simple/"
        )
    if answer.status != 200:
        raise failed(answer)


def _changed(last_modified: str | None) -> str | None:
    try:
        return upload_time(parsedate_to_datetime(last_modified or ""))
    except ValueError:
        return None
