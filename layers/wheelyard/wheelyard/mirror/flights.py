"""One piece of work for many who want its result at the same time."""

from collections.abc import Callable
from threading import Event, Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class _Flight(Generic[T]):
    def __init__(self) -> None:
        self.done = Event()
        self.result: T | None = None
        self.error: BaseException | None = None


class Flights(Generic[T]):
    """Work under way in this process, by key."""

    def __init__(self) -> None:
        self._flights: dict[str, _Flight[T]] = {}
        self._lock = Lock()

    def join(self, key: str, work: Callable[[], T]) -> T:
        """What ``work`` returns or raises: the first who asks does it, who asks meanwhile shares it."""
        with self._lock:
            flight = self._flights.get(key)
            leads = flight is None
            if flight is None:
                flight = self._flights[key] = _Flight()
        if not leads:
            flight.done.wait()
            if flight.error is not None:
                raise flight.error
            return flight.result  # type: ignore[return-value]  # set where there is no error
        try:
            flight.result = work()
        except BaseException as error:
            flight.error = error
            raise
        else:
            return flight.result
        finally:
            with self._lock:
                del self._flights[key]
            flight.done.set()
