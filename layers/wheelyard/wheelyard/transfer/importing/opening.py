"""Opening another index by what the user calls it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from wheelyard.errors import SourceUnclear
from wheelyard.transfer.importing.offers import OtherIndex
from wheelyard.transfer.importing.place_index import Layout, PlaceIndex
from wheelyard.transfer.opening import open_place
from wheelyard.transfer.places import bucket_name

if TYPE_CHECKING:
    from wheelyard.transfer.bucket import Bucket


class Choices(NamedTuple):
    """How to look at another index, and what to take of it."""

    layout: Layout = "auto"
    prefix: str = ""
    region: str | None = None
    unlisted: bool = False
    cached: bool = False
    everything: bool = False


def open_index(
    location: str, choices: Choices, env: Mapping[str, str], store: str | None = None
) -> OtherIndex:
    """The index at an http(s) URL, at ``s3://bucket/prefix`` or in a directory.

    ``store`` is where the own store is: S3 copies from one bucket to another by itself.

    Raises ``SourceUnclear``, ``InvalidSetting`` and ``StorageError``.
    """
    if location.startswith(("http://", "https://")):
        from wheelyard.transfer.importing.http_index import HttpIndex

        if choices.layout != "auto" or choices.prefix:
            raise SourceUnclear(
                "a layout and a prefix are for directories and buckets, not for URLs"
            )
        return HttpIndex(location, everything=choices.everything)
    if choices.prefix:
        location = f"{location.rstrip('/')}/{choices.prefix.strip('/')}"
    return PlaceIndex(
        open_place(location, env, choices.region),
        location,
        choices.layout,
        unlisted=choices.unlisted,
        cached=choices.cached,
        target=_bucket(store, env),
    )


def _bucket(store: str | None, env: Mapping[str, str]) -> "Bucket | None":
    name = bucket_name(store) if store is not None else None
    if name is None:
        return None
    from wheelyard.transfer.bucket import connect

    return connect(name, env)
