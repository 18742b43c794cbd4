"""What a process remembers of what it read, up to a number of bytes."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, Protocol, TypeVar


class Sized(Protocol):
    """Something that knows how much memory it takes, about."""

    @property
    def size(self) -> int:
        """Bytes; may grow while it is remembered."""


K = TypeVar("K", bound=Hashable)
V = TypeVar("V", bound=Sized)


class Remembered(Generic[K, V]):
    """Values by key; those that were not kept for longest are forgotten first."""

    def __init__(self, most: int) -> None:
        """``most`` is in bytes. The newest value is kept whatever its size."""
        self._most = most
        self._values: OrderedDict[K, V] = OrderedDict()
        # As of when it was kept last, since a value can grow.
        self._sizes: dict[K, int] = {}
        self._held = 0
        self._lock = Lock()

    def get(self, key: K) -> V | None:
        """The value, None if it is not known."""
        return self._values.get(key)

    def keep(self, key: K, value: V) -> None:
        """Remember the value as the newest, with the size that it has now."""
        with self._lock:
            self._held -= self._sizes.get(key, 0)
            self._sizes[key] = value.size
            self._held += self._sizes[key]
            self._values[key] = value
            self._values.move_to_end(key)
            while self._held > self._most and len(self._values) > 1:
                self._forget(next(iter(self._values)))

    def drop(self, key: K) -> None:
        """Forget the value, if it is known."""
        with self._lock:
            self._forget(key)

    def _forget(self, key: K) -> None:
        if self._values.pop(key, None) is not None:
            self._held -= self._sizes.pop(key)
