"""The store in a directory of this machine.

obstore's own directory store is not used: it cannot replace conditionally, its entity tags have the
resolution of a coarse clock, and it does not flush to the disk. What is here instead:

- an object is written to a staging file, flushed, and renamed or linked into place, so that no reader
  ever sees a part of one and a power cut loses nothing that was acknowledged;
- ``create`` is ``link(2)``, which fails where the name is taken, between processes too;
- ``put``, ``replace`` and ``delete`` hold an ``flock(2)`` on one of 256 lock files;
- the entity tag is inode, modification time and size, and each write moves the time forward.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from wheelyard.errors import KeyChanged, KeyExists, KeyNotFound, StorageError
from wheelyard.storage.staging import StagedFile
from wheelyard.storage.store import CHUNK, Entry, Store, Stored

# Both are left out of listings: no key begins with a dot.
STAGING = ".staging"
_LOCKS = ".locks"


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
        with _reporting(key), self.local_path(key).open("rb") as file:
            etag = _etag(os.fstat(file.fileno()))
            return Stored(file.read(), etag)

    def get_unless(self, key: str, etag: str) -> Stored | None:
        with _reporting(key):
            if _etag(self.local_path(key).stat()) == etag:
                return None
        return self.get(key)

    def head(self, key: str) -> Entry:
        with _reporting(key):
            return _entry(key, self.local_path(key).stat())

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        with _reporting(key), self.local_path(key).open("rb") as file:
            left = (os.fstat(file.fileno()).st_size if end is None else end) - file.seek(start)
            while left > 0 and (chunk := file.read(min(CHUNK, left))):
                left -= len(chunk)
                yield chunk

    def put(self, key: str, body: bytes, content_type: str | None = None) -> str:
        del content_type
        with _reporting(key), self._locked(key):
            return self._overwrite(key, body)

    def create(self, key: str, body: bytes) -> str:
        with _reporting(key), StagedFile(self.staging()) as staged:
            staged.file.write(body)
            staged.file.flush()
            self._link(key, staged.path)
            return _etag(os.fstat(staged.file.fileno()))

    def create_from(self, key: str, path: Path) -> None:
        with _reporting(key):
            if path.parent == self.staging():
                self._link(key, path)
                return
            with StagedFile(self.staging()) as staged, path.open("rb") as source:
                while chunk := source.read(CHUNK):
                    staged.file.write(chunk)
                staged.file.flush()
                self._link(key, staged.path)

    def put_from(self, key: str, path: Path) -> None:
        with _reporting(key), self._locked(key), StagedFile(self.staging()) as staged:
            with path.open("rb") as source:
                while chunk := source.read(CHUNK):
                    staged.file.write(chunk)
            staged.file.flush()
            self._rename(staged, key)

    def copy(self, source: str, target: str) -> None:
        # A link would do, if the two could not be told apart by their times.
        self.create_from(target, self.local_path(source))

    def replace(self, key: str, body: bytes, etag: str) -> str:
        with _reporting(key), self._locked(key):
            try:
                current = _etag(self.local_path(key).stat())
            except FileNotFoundError:
                current = None
            if current != etag:
                raise KeyChanged(f"{key!r} is not the object that was read")
            return self._overwrite(key, body)

    def delete(self, key: str) -> None:
        with _reporting(key), self._locked(key):
            self.local_path(key).unlink(missing_ok=True)

    def list(self, prefix: str) -> Iterator[Entry]:
        with _reporting(prefix):
            yield from self._walk(prefix.rstrip("/"))

    def _walk(self, folder: str) -> Iterator[Entry]:
        try:
            found = sorted(os.scandir(self._root / folder), key=_sort_key)
        except FileNotFoundError:
            return
        for item in found:
            key = f"{folder}/{item.name}" if folder else item.name
            if item.name.startswith("."):
                continue
            if item.is_dir():
                yield from self._walk(key)
                continue
            try:
                yield _entry(key, item.stat())
            except FileNotFoundError:  # removed since the folder was read
                continue

    def _link(self, key: str, staged: Path) -> None:
        target = self.local_path(key)
        target.parent.mkdir(parents=True, exist_ok=True)
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
        written = os.fstat(staged.file.fileno())
        # The file system's clock ticks every few milliseconds, and an inode number is given out
        # again at once: only a time that always grows makes the tag that of this write alone.
        before = target.stat().st_mtime_ns if target.exists() else 0
        if written.st_mtime_ns <= before:
            os.utime(staged.path, ns=(before + 1, before + 1))
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
def _reporting(key: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise KeyNotFound(f"there is no object {key!r}") from error
    except OSError as error:
        raise StorageError(f"{key!r}: {error.strerror or error}") from error


def _sort_key(item: "os.DirEntry[str]") -> str:
    # As S3 sorts: "a/b" comes after "a-b", because "/" does.
    return f"{item.name}/" if item.is_dir() else item.name


def _entry(key: str, found: os.stat_result) -> Entry:
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
