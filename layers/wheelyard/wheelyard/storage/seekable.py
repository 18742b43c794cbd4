"""An object of the store as a file that is read and sought in, a few blocks of it in memory."""

import io
from collections import OrderedDict
from typing import BinaryIO, cast

from wheelyard.storage.store import Store

BLOCK = 4 * 1024 * 1024
"""Bytes read from the store at once."""

_HELD = 4


class _StoredFile(io.RawIOBase):
    """The bytes of one object; it must not be replaced meanwhile."""

    def __init__(self, store: Store, key: str) -> None:
        self._store = store
        self._key = key
        self._size = store.head(key).size
        self._position = 0
        self._blocks: OrderedDict[int, bytes] = OrderedDict()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if origin + offset < 0:
            raise ValueError(f"there is no position {origin + offset}")
        self._position = origin + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        number, start = divmod(self._position, BLOCK)
        if self._position >= self._size:
            return 0
        piece = self._block(number)[start : start + len(view)]
        view[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def _block(self, number: int) -> bytes:
        if number not in self._blocks:
            start = number * BLOCK
            end = min(start + BLOCK, self._size)
            self._blocks[number] = b"".join(self._store.read(self._key, start, end))
            if len(self._blocks) > _HELD:
                self._blocks.popitem(last=False)
        self._blocks.move_to_end(number)
        return self._blocks[number]


def open_object(store: Store, key: str) -> BinaryIO:
    """An object, open for reading at any position, with bounded memory. Raises ``KeyNotFound``."""
    path = store.local_path(key)
    if path is not None:
        store.head(key)  # says what a missing object is, in the store's own words
        return path.open("rb")
    return cast(BinaryIO, io.BufferedReader(_StoredFile(store, key), 64 * 1024))
