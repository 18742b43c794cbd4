"""The store in a directory of this machine.

obstore's own directory store is not used: it cannot replace conditionally, its entity tags have the
resolution of a coarse clock, and it does not flush to the disk. What is here instead:

- an object is written to a staging file, flushed, and renamed or linked into place, so that no reader
  ever sees a part of one and a power cut loses nothing that was acknowledged;
- ``create`` is ``link(2)``, which fails where the name is taken, between processes too;
- ``put``, ``replace`` and ``delete`` hold an ``flock(2)`` on one of 256 lock files;
- the entity tag is inode, modification time and size, and each write moves the time forward.
"""

import errno
import fcntl
import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from wheelyard.errors import KeyChanged, KeyExists, KeyNotFound, StorageError
from wheelyard.storage.staging import StagedFile
from wheelyard.storage.store import CHUNK, Entry, Store, Stored

# Both are left out of listings: no key begins with a dot.
STAGING = ".staging"
_LOCKS = ".locks"

_MISSING = (FileNotFoundError, IsADirectoryError, NotADirectoryError)


class DirectoryStore(Store):
    """A store whose objects are the files below a directory, one file a key."""

    def __init__(self, root: Path) -> None:
        """Creates the directory if it is missing. Raises ``StorageError`` if it cannot be written."""
        self._root = root.absolute()
        try:
            for folder in (STAGING, _LOCKS):
                (self._root / folder).mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StorageError(f"{str(root)!r} cannot be used as a store: {error}") from error

    def local_path(self, key: str) -> Path:
        path = self._root.joinpath(*key.split("/"))
        # Keys are made of validated names; this holds even if one day one is not.
        if any(part in {"", ".", ".."} or "\0" in part for part in key.split("/")):
            raise StorageError(f"{key!r} is not a key")
        return path

    def staging(self) -> Path:
        return self._root / STAGING

    def get(self, key: str) -> Stored:
        with self._reading(key), self.local_path(key).open("rb") as file:
            etag = _etag(os.fstat(file.fileno()))
            return Stored(file.read(), etag)

    def get_unless(self, key: str, etag: str) -> Stored | None:
        return None if self.head(key).etag == etag else self.get(key)

    def head(self, key: str) -> Entry:
        with self._reading(key):
            return _entry(key, self.local_path(key).stat())

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        with self._reading(key), self.local_path(key).open("rb") as file:
            left = (os.fstat(file.fileno()).st_size if end is None else end) - file.seek(start)
            while left > 0 and (chunk := file.read(min(CHUNK, left))):
                left -= len(chunk)
                yield chunk

    def put(
        self,
        key: str,
        body: bytes,
        content_type: str | None = None,
        content_encoding: str | None = None,
    ) -> str:
        del content_type, content_encoding
        with _writing(key), self._locked(key):
            return self._overwrite(key, body)

    def create(self, key: str, body: bytes) -> str:
        with _writing(key), StagedFile(self.staging()) as staged:
            staged.file.write(body)
            staged.file.flush()
            self._link(key, staged.path)
            return _etag(os.fstat(staged.file.fileno()))

    def create_from(self, key: str, path: Path) -> None:
        with _writing(key):
            if path.parent == self.staging():
                self._link(key, path)
                return
            with path.open("rb") as source:
                self._create_from(key, source)

    def _create_from(self, key: str, source: BinaryIO) -> None:
        with _writing(key), StagedFile(self.staging()) as staged:
            _fill(staged, source)
            self._link(key, staged.path)

    def put_from(self, key: str, path: Path) -> None:
        with _writing(key), self._locked(key), StagedFile(self.staging()) as staged:
            with path.open("rb") as source:
                _fill(staged, source)
            self._rename(staged, key)

    def copy(self, source: str, target: str) -> None:
        # A link would do, if the two could not be told apart by their times.
        with self._reading(source), self.local_path(source).open("rb") as file:
            self._create_from(target, file)

    def replace(self, key: str, body: bytes, etag: str) -> str:
        with _writing(key), self._locked(key):
            try:
                current = _etag(self.local_path(key).stat())
            except FileNotFoundError:
                current = None
            if current != etag:
                raise KeyChanged(f"{key!r} is not the object that was read")
            return self._overwrite(key, body)

    def delete(self, key: str) -> None:
        with _writing(key), self._locked(key):
            try:
                self.local_path(key).unlink()
            except OSError as error:
                if not _is_missing(error):
                    raise

    def list(self, prefix: str) -> Iterator[Entry]:
        with self._reading(prefix):
            self.staging().stat()
            yield from self._walk(prefix.rstrip("/"))

    def _walk(self, folder: str) -> Iterator[Entry]:
        try:
            with os.scandir(self._root / folder) as found:
                items = sorted(found, key=_sort_key)
        except _MISSING:
            return
        for item in items:
            key = f"{folder}/{item.name}" if folder else item.name
            if item.name.startswith("."):
                continue
            if item.is_dir():
                yield from self._walk(key)
                continue
            with suppress(FileNotFoundError):  # removed since the folder was read
                yield _entry(key, item.stat())

    @contextmanager
    def _reading(self, key: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            # A store that is gone, such as an unmounted disk, is not one without objects.
            if _is_missing(error) and self.staging().is_dir():
                raise KeyNotFound(f"there is no object {key!r}") from error
            raise StorageError(f"{key!r} cannot be read: {error.strerror or error}") from error

    def _link(self, key: str, staged: Path) -> None:
        target = self.local_path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        _set_time(staged, after=0)
        _flush(staged)
        try:
            os.link(staged, target)
        except FileExistsError as error:
            raise KeyExists(f"{key!r} exists") from error
        _flush(target.parent)

    def _overwrite(self, key: str, body: bytes) -> str:
        """Write under the key's lock."""
        with StagedFile(self.staging()) as staged:
            staged.file.write(body)
            staged.file.flush()
            return self._rename(staged, key)

    def _rename(self, staged: StagedFile, key: str) -> str:
        target = self.local_path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
        _set_time(staged.path, after=target.stat().st_mtime_ns if target.exists() else 0)
        _flush(staged.path)
        staged.path.rename(target)
        _flush(target.parent)
        return _etag(os.fstat(staged.file.fileno()))

    @contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        name = sha256(key.encode()).hexdigest()[:2]
        with (self._root / _LOCKS / name).open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


@contextmanager
def _writing(key: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"{key!r} cannot be written: {error.strerror or error}") from error


def _is_missing(error: OSError) -> bool:
    # A name too long for the file system is one that no object has.
    return isinstance(error, _MISSING) or error.errno == errno.ENAMETOOLONG


def _fill(staged: StagedFile, source: BinaryIO) -> None:
    shutil.copyfileobj(source, staged.file, CHUNK)
    staged.file.flush()


def _set_time(path: Path, after: int) -> None:
    # The file system's own clock ticks every few milliseconds, and an inode number is given out again
    # at once: only a finer time that always grows makes the tag that of this write alone.
    now = max(time.time_ns(), after + 1)
    os.utime(path, ns=(now, now))


def _sort_key(item: "os.DirEntry[str]") -> str:
    # As S3 sorts: "a/b" comes after "a-b", because "/" does.
    return f"{item.name}/" if item.is_dir() else item.name


def _entry(key: str, found: os.stat_result) -> Entry:
    if not stat.S_ISREG(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    modified = datetime.fromtimestamp(found.st_mtime_ns // 1000 / 1e6, UTC)
    return Entry(key, found.st_size, _etag(found), modified)


def _etag(found: os.stat_result) -> str:
    return f'"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"'


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
