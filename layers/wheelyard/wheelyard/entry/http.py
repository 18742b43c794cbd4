"""The HTTP vocabulary shared by every way in: a request, a response, their bodies.

Lambda events and the one-machine server both become a ``Request``; the application answers each with
a ``Response``. Nothing here knows of either.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path


class Request(NamedTuple):
    """One HTTP request, as the application sees it.

    ``path``      percent-decoded once, beginning with ``/``, without stage or base path
    ``query``     the raw query string, without ``?``
    ``headers``   names in lower case; repeated headers joined with ``, `` (RFC 9110, 5.3)
    ``body``      the body in chunks, at most once iterable; empty where there is none
    ``scheme``    as the client used it: ``https`` behind every AWS front
    ``host``      the authority that the client asked, empty if unknown
    ``base``      what stood before ``path`` on the client's side: a stage or base path, ``""`` for none
    ``client``    the client's address for the log, empty if unknown
    ``id``        the platform's request id, repeated in the log and in 500 answers
    ``limit``     the largest body, in bytes, that the way back can carry; None for any
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: Iterable[bytes] = ()
    scheme: str = "https"
    host: str = ""
    base: str = ""
    client: str = ""
    id: str = ""
    limit: int | None = None

    def __repr__(self) -> str:
        """Headers may hold credentials and a query a token: neither is shown."""
        return f"<Request {self.method} {self.path}>"


class FileBody(NamedTuple):
    """A part of a file on this machine: bytes ``start`` up to, but not including, ``end``."""

    path: "Path"
    start: int
    end: int


Headers = tuple[tuple[str, str], ...]
"""Header names in lower case, in order; a name may repeat."""


class Response(NamedTuple):
    """One HTTP response: complete bytes, a part of a local file, or a stream of chunks.

    ``content-length`` is among the headers wherever the length is known. An empty chunk in a stream means
    that there is none yet. The answer to a HEAD has no body, and the headers that the GET would have had.
    """

    status: int
    headers: Headers
    body: bytes | FileBody | Iterable[bytes] = b""
    user: str = ""
    """Who asked, for the log; never sent."""
    reason: str = ""
    """What a server says, if it can, in place of the status's own phrase: twine prints only that."""

    def header(self, name: str) -> str | None:
        """The first header called ``name`` (lower case), or None."""
        return next((value for key, value in self.headers if key == name), None)
