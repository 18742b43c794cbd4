"""A directory of this machine as a place."""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

from wheelyard.errors import KeyNotFound, StorageError
from wheelyard.storage.store import CHUNK
from wheelyard.transfer.places import BucketName, Described, Item, Place

_PARTIAL = ".partial-"
# A web server runs as another user than whoever writes the export.
_READABLE = 0o644


class Folder(Place):
    """The files below a directory. A reader sees an old file or a new one, never a part."""

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()

    def items(self) -> Iterator[Item]:
        if not self.root.is_dir():
            raise StorageError(f"there is no directory {str(self.root)!r}")
        for folder, folders, files in os.walk(self.root, onerror=_raise):
            folders.sort()
            for name in sorted(files):
                path = Path(folder, name)
                with suppress(FileNotFoundError):
                    found = path.stat()
                    if stat.S_ISREG(found.st_mode):
                        yield self._item(path, found)

    def _item(self, path: Path, found: os.stat_result) -> Item:
        modified = datetime.fromtimestamp(found.st_mtime, UTC)
        key = path.relative_to(self.root).as_posix()
        return Item(key, found.st_size, _etag(found), modified)

    def read(self, key: str) -> bytes:
        with _reading(key):
            return self._path(key).read_bytes()

    def metadata(self, key: str) -> dict[str, str]:
        with _reading(key):
            self._path(key).stat()
        return {}

    def chunks(self, key: str, etag: str) -> Iterator[bytes]:
        with _reading(key), self._path(key).open("rb") as file:
            if _etag(os.fstat(file.fileno())) != etag:
                raise KeyNotFound(f"{key!r} has been replaced meanwhile")
            while chunk := file.read(CHUNK):
                yield chunk

    def write(self, key: str, body: bytes, described: Described) -> None:
        self.stream(key, [body], described)

    def stream(self, key: str, chunks: Iterable[bytes], described: Described) -> None:
        del described
        with self._replacing(key) as partial:
            with partial.open("wb") as file:
                file.writelines(chunks)
            partial.chmod(_READABLE)

    def link(self, key: str, path: Path) -> bool:
        try:
            with self._replacing(key) as partial:
                partial.unlink()
                os.link(path, partial)
        except StorageError as error:
            # Another file system, or one that has no hard links.
            if isinstance(error.__cause__, FileNotFoundError):
                raise KeyNotFound(f"{str(path)!r} is gone") from error
            return False
        return True

    def copy(self, key: str, source: BucketName, source_key: str, described: Described) -> bool:
        del key, source, source_key, described
        return False

    def remove(self, key: str) -> None:
        path = self._path(key)
        with _writing(key):
            path.unlink(missing_ok=True)
        for folder in path.parents:
            if folder == self.root:
                return
            try:
                folder.rmdir()
            except OSError:  # something else is in it
                return

    @contextmanager
    def _replacing(self, key: str) -> Iterator[Path]:
        """A file of the same directory that takes the key's place when the block ends well."""
        path = self._path(key)
        with _writing(key):
            path.parent.mkdir(parents=True, exist_ok=True)
            with NamedTemporaryFile(prefix=_PARTIAL, dir=path.parent, delete=False) as temporary:
                partial = Path(temporary.name)
            try:
                yield partial
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        parts = key.split("/")
        if any(part in {"", ".", ".."} or "\0" in part for part in parts):
            raise StorageError(f"{key!r} is not a key")
        return self.root.joinpath(*parts)


def _etag(found: os.stat_result) -> str:
    return f"{found.st_mtime_ns:x}-{found.st_size:x}"


def _raise(error: OSError) -> None:
    raise StorageError(f"the directory cannot be read: {error}") from error


@contextmanager
def _reading(key: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise KeyNotFound(f"there is no file {key!r}") from error
    except OSError as error:
        raise StorageError(f"{key!r} cannot be read: {error.strerror or error}") from error


@contextmanager
def _writing(key: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(f"{key!r} cannot be written: {error.strerror or error}") from error
