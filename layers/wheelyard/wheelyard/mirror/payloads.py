"""What one step of the reindex workflow hands to the next: plain JSON, far below the 256 KiB of a state.

Their size does not grow with the number of names: a step returns keys and digests, never names.
"""

from typing import Literal, TypedDict


class Part(TypedDict):
    """Names of some buckets, as Fetch wrote them down."""

    key: str
    first: int
    """The number of the first bucket, of 256."""
    last: int


class Fetched(TypedDict):
    """What Fetch found.

    ``changed``    there are new names, in ``parts``
    ``relist``     upstream is unchanged or was not asked, but the root listing has to be made again
    ``unchanged``  there is nothing to do
    """

    outcome: Literal["changed", "relist", "unchanged"]
    base: str | None
    """The identity of the snapshot that this run started from; null where there was none."""
    snapshot: str
    """The name of the active snapshot, empty where there is none."""
    source: str
    sourceId: str
    fetchedAt: str
    etag: str | None
    lastModified: str | None
    serial: int | None
    names: int
    parts: list[Part]


class Sharded(TypedDict):
    """The shards of one part, written."""

    first: int
    digests: list[str]
    """One for each bucket, from ``first`` on; empty for a bucket without names."""
    names: int
    written: int
    """How many had to be written."""


class Activated(TypedDict):
    """What became of a run.

    ``activated``   its snapshot is the active one
    ``superseded``  a newer run came first, whose snapshot stays
    """

    outcome: Literal["activated", "superseded"]
    snapshot: str
    """The name of the snapshot that is active now."""
    names: int


class Restarted(TypedDict):
    """A function whose environments are replaced."""

    function: str
    snapshot: str
