"""Reading an upstream's root listing while it arrives, in JSON or in HTML.

Neither the body nor the parsed document is ever held whole: the public index's listing has 45 MB and
886,000 names. The kept streaming parsers are used, ijson on yajl and lxml on libxml2; both are imported
where a listing is read and nowhere else.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, Protocol
from urllib.parse import unquote

from wheelyard.errors import InvalidDocument

_JSON_TYPES = ("application/json", "application/vnd.pypi.simple.v1+json")
_HTML_TYPES = ("text/html", "application/xhtml+xml", "application/vnd.pypi.simple.v1+html")
# Where HTML says whether it is a whole document: in the first bytes and in the last.
_EDGE = 4096


class RootName(NamedTuple):
    """One project of the listing."""

    name: str
    """As upstream spells it: neither normalised nor known to be valid."""
    serial: int | None
    """The ``_last-serial`` of the public index's JSON."""


class RootReader(Protocol):
    """Turns the chunks of a listing into names."""

    serial: int | None
    """The serial of the whole listing, once it is read, where upstream gives one."""

    def feed(self, chunk: bytes) -> list[RootName]:
        """The names that became complete with this chunk. Raises ``InvalidDocument``."""

    def close(self) -> list[RootName]:
        """The names that were left. Raises ``InvalidDocument`` if this was not a whole listing."""


def root_reader(content_type: str) -> RootReader:
    """The reader for a body of this type. Raises ``InvalidDocument`` for a type that is no listing's."""
    kind, _, parameters = content_type.partition(";")
    kind = kind.strip().lower()
    if kind in _JSON_TYPES:
        return _JsonReader()
    if kind in _HTML_TYPES:
        return _HtmlReader(_charset(parameters))
    raise InvalidDocument(
        f"upstream's root listing has the content type {content_type!r:.100}, which is no simple index's"
    )


def read_root(reader: RootReader, chunks: Iterable[bytes]) -> Iterator[list[RootName]]:
    """The names of a whole listing, a list for each chunk. Raises ``InvalidDocument``."""
    for chunk in chunks:
        yield reader.feed(chunk)
    yield reader.close()


def _check_version(version: str | None) -> None:
    """Versions 1.x can be read, and only they (PEP 629); without one it is 1.0."""
    if version is not None and version.partition(".")[0].strip() != "1":
        raise InvalidDocument(
            f"upstream's root listing has api-version {version!r:.50}: only 1.x can be read"
        )


def _charset(parameters: str) -> str | None:
    for parameter in parameters.split(";"):
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "charset":
            return value.strip().strip("\"'") or None
    return None


class _JsonReader:
    """PEP 691's project list, from yajl's events.

    The depth says where an event belongs: the document is at 1, ``meta`` and the array ``projects`` at
    2, a project at 3.
    """

    def __init__(self) -> None:
        import ijson

        self._errors = ijson.JSONError
        self._events: Any = ijson.sendable_list()
        self._parser = ijson.basic_parse_coro(self._events)
        self._depth = 0
        self._section = self._key = ""
        self._in_projects = self._complete = False
        self._name: str | None = None
        self._serial: int | None = None
        self._version: str | None = None
        self.serial: int | None = None

    def feed(self, chunk: bytes) -> list[RootName]:
        try:
            self._parser.send(chunk)
        except self._errors as error:
            raise InvalidDocument(f"upstream's root listing is not JSON: {error!s:.200}") from error
        found = list(self._names())
        del self._events[:]
        return found

    def close(self) -> list[RootName]:
        try:
            self._parser.close()
        except self._errors as error:
            raise InvalidDocument(
                f"upstream's root listing ends in the middle: {error!s:.200}"
            ) from error
        found = list(self._names())
        _check_version(self._version)
        if not self._complete:
            raise InvalidDocument("upstream's root listing has no list of 'projects'")
        return found

    def _names(self) -> Iterator[RootName]:
        for event, value in self._events:
            if event == "map_key":
                self._key = value
                if self._depth == 1:
                    self._section = value
            elif event in ("string", "number"):
                self._scalar(value)
            elif event in ("start_map", "start_array"):
                self._depth += 1
                if self._depth == 2:
                    self._in_projects = self._section == "projects" and event == "start_array"
                elif self._depth == 3:
                    self._name = self._serial = None
            elif event in ("end_map", "end_array"):
                if self._depth == 3 and self._in_projects:
                    yield self._project()
                elif self._depth == 2 and self._in_projects:
                    self._complete, self._in_projects = True, False
                self._depth -= 1

    def _scalar(self, value: object) -> None:
        if self._depth == 3 and self._in_projects:
            if self._key == "name" and isinstance(value, str):
                self._name = value
            elif self._key == "_last-serial" and isinstance(value, int):
                self._serial = value
        elif self._depth == 2 and self._section == "meta":
            if self._key == "api-version":
                self._version = str(value)
            elif self._key == "_last-serial" and isinstance(value, int):
                self.serial = value

    def _project(self) -> RootName:
        if self._name is None:
            raise InvalidDocument("upstream's root listing has a project without a 'name'")
        return RootName(self._name, self._serial)


class _HtmlReader:
    """PEP 503's page: the text of each link is a project's name."""

    serial: int | None = None

    def __init__(self, charset: str | None) -> None:
        from lxml import etree

        self._links = _Links()
        self._errors = etree.LxmlError
        try:
            self._parser = etree.HTMLParser(target=self._links, encoding=charset, huge_tree=True)
        except LookupError as error:
            raise InvalidDocument(
                f"upstream's root listing has the unknown charset {charset!r:.50}"
            ) from error
        self._head = self._tail = b""

    def feed(self, chunk: bytes) -> list[RootName]:
        if len(self._head) < _EDGE:
            self._head += chunk[:_EDGE]
        self._tail = (self._tail + chunk[-_EDGE:])[-_EDGE:]
        self._parser.feed(chunk)
        return self._links.take()

    def close(self) -> list[RootName]:
        try:
            self._parser.close()
        except self._errors as error:
            raise InvalidDocument(f"upstream's root listing is not HTML: {error!s:.200}") from error
        _check_version(self._links.version)
        # HTML can be read up to wherever it was cut off, so it has to be looked at.
        if b"<html" in self._head.lower() and b"</html" not in self._tail.lower():
            raise InvalidDocument("upstream's root listing ends in the middle")
        if not self._links.count and self._links.version is None:
            raise InvalidDocument(
                "upstream's root page has no links, and does not say it is an index"
            )
        return self._links.take()


class _Links:
    """What lxml tells of the page, element by element."""

    def __init__(self) -> None:
        self.version: str | None = None
        self.count = 0
        self._text: str | None = None
        self._href = ""
        self._found: list[RootName] = []

    def start(self, tag: str, attributes: Any) -> None:
        if tag == "a":
            self._text, self._href = "", attributes.get("href", "")
        elif tag == "meta" and attributes.get("name") == "pypi:repository-version":
            self.version = attributes.get("content", "")

    def data(self, text: str) -> None:
        if self._text is not None:
            self._text += text

    def end(self, tag: str) -> None:
        if tag == "a" and self._text is not None:
            name = self._text.strip() or _last_segment(self._href)
            self._text = None
            if name:
                self.count += 1
                self._found.append(RootName(name, None))

    def close(self) -> None:
        """lxml asks for it."""

    def take(self) -> list[RootName]:
        found, self._found = self._found, []
        return found


def _last_segment(href: str) -> str:
    path = href.partition("#")[0].partition("?")[0]
    return unquote(path.rstrip("/").rpartition("/")[2])
