"""Reading an upstream's root listing while it arrives, in JSON or in HTML.

Neither the body nor the parsed document is ever held whole: the public index's listing has 45 MB and
886,000 names. The parsers are imported where a listing is read and nowhere else.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol

from wheelyard.errors import InvalidDocument
from wheelyard.mirror.root_names import RootNames

_JSON_TYPES = ("application/json", "application/vnd.pypi.simple.v1+json")
_HTML_TYPES = ("text/html", "application/xhtml+xml", "application/vnd.pypi.simple.v1+html")


class RootReader(Protocol):
    """Turns the chunks of a listing into names."""

    @property
    def serial(self) -> int | None:
        """The serial of the whole listing, once it is read, where upstream gives one."""

    def feed(self, chunk: bytes) -> RootNames:
        """The names that became complete with this chunk. Raises ``InvalidDocument``."""

    def close(self) -> RootNames:
        """The names that were left. Raises ``InvalidDocument`` if this was not a whole listing."""


def root_reader(content_type: str) -> RootReader:
    """The reader for a body of this type. Raises ``InvalidDocument`` for a type that is no listing's."""
    kind, _, parameters = content_type.partition(";")
    kind = kind.strip().lower()
    if kind in _JSON_TYPES:
        from wheelyard.mirror.root_json import JsonReader

        return JsonReader()
    if kind in _HTML_TYPES:
        from wheelyard.mirror.root_html import HtmlReader

        return HtmlReader(_charset(parameters))
    raise InvalidDocument(
        f"upstream's root listing has the content type {content_type!r:.100}, which is no simple index's"
    )


def read_root(reader: RootReader, chunks: Iterable[bytes]) -> Iterator[RootNames]:
    """The names of a whole listing, a list for each chunk. Raises ``InvalidDocument``."""
    for chunk in chunks:
        yield reader.feed(chunk)
    yield reader.close()


def _charset(parameters: str) -> str | None:
    for parameter in parameters.split(";"):
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "charset":
            return value.strip().strip("\"'") or None
    return None
