"""An index that is a directory or a bucket."""

import logging
from collections.abc import Callable, Collection
from typing import Literal, NamedTuple
from uuid import uuid4

from wheelyard.errors import KeyNotFound, SourceUnclear, StorageError
from wheelyard.protocol.names import ProjectName
from wheelyard.publish.incoming import Source as Bytes
from wheelyard.storage.objects import STAGING
from wheelyard.storage.store import Store
from wheelyard.transfer.bucket import Bucket
from wheelyard.transfer.importing.folders import (
    distribution_files,
    flat,
    in_folders,
    stands_in_folders,
)
from wheelyard.transfer.importing.offers import Candidate, Offer, OtherIndex
from wheelyard.transfer.importing.serverless_pypi import in_serverless_pypi, is_serverless_pypi
from wheelyard.transfer.places import Described, Item, Place

_logger = logging.getLogger(__name__)

Layout = Literal["auto", "serverless-pypi", "folders", "flat"]


class PlaceIndex(OtherIndex):
    """The files of a directory or a bucket, in one of the known layouts."""

    def __init__(
        self,
        place: Place,
        location: str,
        layout: Layout = "auto",
        *,
        unlisted: bool = False,
        cached: bool = False,
        target: Bucket | None = None,
    ) -> None:
        """``target`` is the bucket that the store is in, if S3 can copy from the one to the other."""
        self.location = f"{location.rstrip('/')}/"
        self._place = place
        self._layout = layout
        self._unlisted = unlisted
        self._cached = cached
        self._target = target

    def offer(self, wanted: Collection[ProjectName]) -> Offer:
        items = list(self._place.items())
        layout = _recognised(items) if self._layout == "auto" else self._layout
        if layout == "serverless-pypi":
            return in_serverless_pypi(
                self._place, items, wanted, unlisted=self._unlisted, cached=self._cached
            )
        if layout == "flat":
            return flat(items, wanted)
        return in_folders(self._place, items, wanted, unlisted=self._unlisted)

    def fetch(self, candidate: Candidate, write: Callable[[bytes], object]) -> str | None:
        for chunk in self._place.chunks(candidate.place, candidate.etag):
            write(chunk)
        return None

    def read(self, place: str) -> bytes:
        return self._place.read(place)

    def source(self, candidate: Candidate, local: Bytes) -> Bytes:
        if self._target is None or not isinstance(self._place, Bucket):
            return local
        return CopiedObject(self._place, candidate.place, candidate.etag, self._target, local)


class CopiedObject(NamedTuple):
    """Bytes in another bucket, which S3 itself copies.

    ``etag``   of the very object that was checked
    ``local``  the same bytes, where a copy is refused: it takes more permissions than reading
    """

    place: Bucket
    key: str
    etag: str
    target: Bucket
    local: Bytes

    def create(self, store: Store, key: str) -> None:
        """As ``publish.incoming.Source`` has it.

        The copy goes beside the store's keys first: one from elsewhere does not know preconditions
        everywhere, and one within the store does.
        """
        staged = f"{STAGING}{uuid4().hex}"
        try:
            self.target.copy_from(
                self.place, self.place.name, self.key, staged, Described(), self.etag
            )
        except KeyNotFound:
            raise
        except StorageError:
            _logger.info("%s is uploaded, since it cannot be copied", self.key)
            return self.local.create(store, key)
        try:
            return store.copy(staged, key)
        finally:
            self.target.remove(staged)

    def put(self, store: Store, key: str) -> None:
        """As ``publish.incoming.Source`` has it."""
        self.local.put(store, key)


def _recognised(items: list[Item]) -> Layout:
    if is_serverless_pypi(items):
        return "serverless-pypi"
    if stands_in_folders(items):
        return "folders"
    if next(distribution_files(items), None) is not None:
        return "flat"
    raise SourceUnclear(
        "there is no distribution file here, in no layout that is known: name the right place, with the "
        "prefix if there is one"
    )
