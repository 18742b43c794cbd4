"""Places outside of the store: where another index keeps its files, or where an export goes.

Keys are relative to the place, ``/``-separated. A directory and a bucket are the two there are.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from wheelyard.errors import InvalidSetting


class Item(NamedTuple):
    """An object of a place. ``modified`` is in UTC; ``key`` ends with ``/`` for a directory key."""

    key: str
    size: int
    etag: str
    modified: datetime


class Described(NamedTuple):
    """What a bucket answers with beside the bytes; a directory leaves it to the web server."""

    content_type: str = "application/octet-stream"
    cache_control: str = ""


class BucketName(NamedTuple):
    """A bucket and a prefix in it, which is empty or ends with ``/``."""

    bucket: str
    prefix: str

    def key(self, key: str) -> str:
        """The full key."""
        return self.prefix + key

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"


class Place(ABC):
    """Objects under keys. Every method raises ``StorageError`` when the place cannot answer."""

    @abstractmethod
    def items(self) -> Iterator[Item]:
        """Every object, in no meaningful order."""

    @abstractmethod
    def read(self, key: str) -> bytes:
        """A small object whole. Raises ``KeyNotFound``."""

    @abstractmethod
    def metadata(self, key: str) -> dict[str, str]:
        """What was stored with the object by its writer; nothing in a directory. Raises ``KeyNotFound``."""

    @abstractmethod
    def chunks(self, key: str, etag: str) -> Iterator[bytes]:
        """The bytes of the object that has this entity tag. Raises ``KeyNotFound`` for another one."""

    @abstractmethod
    def write(self, key: str, body: bytes, described: Described) -> None:
        """Put a small object, whatever was there."""

    @abstractmethod
    def stream(self, key: str, chunks: Iterable[bytes], described: Described) -> None:
        """Put an object of any size; nothing is there if the chunks end with an error."""

    @abstractmethod
    def link(self, key: str, path: Path) -> bool:
        """Have a local file stand there without another copy of its bytes; False where that cannot be."""

    @abstractmethod
    def copy(self, key: str, source: BucketName, source_key: str, described: Described) -> bool:
        """Have an object copied there by S3 itself; False where that cannot be.

        Raises ``KeyNotFound`` if the source is not there.
        """

    @abstractmethod
    def remove(self, key: str) -> None:
        """Remove the object; removing nothing is no error."""


def bucket_name(location: str) -> BucketName | None:
    """What ``s3://bucket/prefix`` names, None for a directory. Raises ``InvalidSetting``."""
    if "://" not in location:
        return None
    parts = urlsplit(location)
    if parts.scheme != "s3" or not parts.netloc or parts.query or parts.fragment:
        raise InvalidSetting(
            f"{location!r:.200} is no place: use a directory or s3://bucket/prefix"
        )
    prefix = parts.path.strip("/")
    return BucketName(parts.netloc, f"{prefix}/" if prefix else "")
