"""How large objects are cut into parts (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html)."""

from typing import NamedTuple

_MIB = 1024**2
_GIB = 1024**3

MOST_PARTS = 10_000
LARGEST_PART = 5 * _GIB
LARGEST_OBJECT = MOST_PARTS * LARGEST_PART
"""Bytes; S3 takes no larger one."""

SMALLEST_PART = 16 * _MIB
"""Of an upload by somebody else; S3 takes 5 MiB, but each is a request."""


class Copying(NamedTuple):
    """How objects are copied within a bucket.

    ``at_once``  bytes up to which one request does it: below S3's bound of 5 GiB by so much that it is
                 answered within seconds
    ``part``     bytes of a part of a larger one, if no more of them are needed
    """

    at_once: int = _GIB
    part: int = _GIB // 4


COPYING = Copying()


def part_size(size: int, smallest: int = SMALLEST_PART) -> int:
    """Bytes of every part but the last, for a file of ``size`` bytes: ``smallest``, or whole MiB."""
    return max(smallest, -(-size // (MOST_PARTS * _MIB)) * _MIB)
