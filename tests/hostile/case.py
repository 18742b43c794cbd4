"""One file that must be refused."""

from typing import NamedTuple

from wheelyard.errors import InvalidArchive, WheelyardError


class Hostile(NamedTuple):
    """``what`` is wrong with it, the error it causes, and a part of the message."""

    what: str
    filename: str
    content: bytes
    says: str
    error: type[WheelyardError] = InvalidArchive
