"""The body of an answer to a front: drained, as text or base64, and how much of it there may be."""

import binascii
from collections.abc import Iterable
from typing import NamedTuple

from wheelyard.entry.http import FileBody, Headers, Response
from wheelyard.entry.problems import problem_response
from wheelyard.storage.remembered import Remembered

LAMBDA_PAYLOAD = 6_291_556
"""Bytes of a buffered response, base64 and JSON included: 6 MB as Lambda counts them.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html. The 10 MB of API Gateway never
come to bear.
"""

_HEADER_ROOM = 8_192
# A byte of a text is at most this many in JSON: a control character, \u0000.
_WORST_ESCAPE = 6


class Body(NamedTuple):
    """A body as an event's answer holds it."""

    text: str
    base64: bool


def capacity(payload: int, room: int = _HEADER_ROOM) -> int:
    """How many bytes fit as base64 into ``payload``, of which headers and JSON need ``room``."""
    return (payload - room) // 4 * 3


def drained(body: bytes | FileBody | Iterable[bytes], most: int) -> bytes | None:
    """The whole body, or None where it has more than ``most`` bytes; a stream is then given up."""
    if isinstance(body, bytes):
        return body if len(body) <= most else None
    if isinstance(body, FileBody):
        return _part(body) if body.end - body.start <= most else None
    return _stream(body, most)


def _part(body: FileBody) -> bytes:
    with body.path.open("rb") as file:
        file.seek(body.start)
        return file.read(body.end - body.start)


def _stream(chunks: Iterable[bytes], most: int) -> bytes | None:
    content = bytearray()
    try:
        for chunk in chunks:
            content += chunk
            if len(content) > most:
                return None
    finally:
        close = getattr(chunks, "close", None)
        if close is not None:
            close()
    return bytes(content)


def encoded(body: bytes, most: int) -> Body:
    """The body as text where it is UTF-8, or else as base64; gzip never is UTF-8.

    A text that JSON's escapes could make longer than base64 of ``most`` bytes goes as base64 too: so any
    body of ``most`` bytes fits.
    """
    if len(body) < _LARGE:
        return _encoded(body, most)
    # A page that is remembered is one and the same object each time.
    known = _sent.get((id(body), most))
    if known is not None and known.body is body:
        return known.encoded
    made = _encoded(body, most)
    _sent.keep((id(body), most), _Sent(body, made))
    return made


class _Sent(NamedTuple):
    """A large body and what it was sent as; as long as it is held here, its ``id`` is nobody else's."""

    body: bytes
    encoded: Body

    @property
    def size(self) -> int:
        """Bytes held, roughly."""
        return len(self.body) + len(self.encoded.text)


_LARGE = 64 * 1024
_sent: Remembered[tuple[int, int], _Sent] = Remembered(16 * 1024 * 1024)


def _encoded(body: bytes, most: int) -> Body:
    try:
        content = body.decode()
    except UnicodeDecodeError:
        return _base64(body)
    room = most * 4 // 3
    if len(body) * _WORST_ESCAPE <= room or _in_json(body) <= room:
        return Body(content, base64=False)
    return _base64(body)


def _base64(body: bytes) -> Body:
    return Body(binascii.b2a_base64(body, newline=False).decode("ascii"), base64=True)


# What every writer of JSON leaves as it is.
_PLAIN = bytes(byte for byte in range(0x20, 0x7F) if byte not in b'"\\')


def _in_json(body: bytes) -> int:
    """The most bytes that a UTF-8 text can have in JSON, whatever its writer escapes.

    A quote and a backslash get one byte more. Of all else that is escaped a byte becomes six at most.
    """
    doubled = body.count(b'"') + body.count(b"\\")
    escaped = len(body.translate(None, _PLAIN)) - doubled
    return len(body) + doubled + (_WORST_ESCAPE - 1) * escaped


def listed(headers: Headers) -> dict[str, list[str]]:
    """Headers as a map of lists."""
    lists: dict[str, list[str]] = {}
    for name, value in headers:
        lists.setdefault(name, []).append(value)
    return lists


def phrase(status: int) -> str:
    """The reason phrase of a status."""
    from http import HTTPStatus

    return next((known.phrase for known in HTTPStatus if known == status), "Unknown")


def too_large(most: int) -> Response:
    """What is answered in place of a body with more than ``most`` bytes.

    507 and not 500: clients try a 500 again, and it would be no different then.
    """
    return problem_response(
        507,
        "Response too large",
        f"The answer is larger than the {most} bytes that this way in can carry: "
        "accept gzip, or ask through another way in",
    )
