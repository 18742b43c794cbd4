"""Reading a root listing in HTML while it arrives, by lxml's parser for streams."""

from typing import Any
from urllib.parse import unquote

from wheelyard.errors import InvalidDocument
from wheelyard.mirror.root_names import RootNames, check_version

# Where HTML says whether it is a whole document: in the first bytes and in the last.
_EDGE = 4096


class HtmlReader:
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

    def feed(self, chunk: bytes) -> RootNames:
        if len(self._head) < _EDGE:
            self._head += chunk[:_EDGE]
        self._tail = (self._tail + chunk[-_EDGE:])[-_EDGE:]
        self._parser.feed(chunk)
        return self._links.take()

    def close(self) -> RootNames:
        try:
            self._parser.close()
        except self._errors as error:
            raise InvalidDocument(f"upstream's root listing is not HTML: {error!s:.200}") from error
        check_version(self._links.version)
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
        self._found: list[str] = []

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
                self._found.append(name)

    def close(self) -> None:
        """lxml asks for it."""

    def take(self) -> RootNames:
        """The names of the links that became complete."""
        found, self._found = self._found, []
        return RootNames(found, [None] * len(found))


def _last_segment(href: str) -> str:
    path = href.partition("#")[0].partition("?")[0]
    return unquote(path.rstrip("/").rpartition("/")[2])
