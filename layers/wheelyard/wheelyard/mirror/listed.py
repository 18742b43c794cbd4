"""Looking some names up in a stored root listing, without reading the whole of it.

The listing is in order, so that the place of a prefix is found by a few small reads; a listing of 886,000
names has 24 MB, and who may see ten of them is answered from some kilobytes.
"""

import re
from collections.abc import Iterator

from wheelyard.mirror.manifest import StoredListing
from wheelyard.storage import keys
from wheelyard.storage.store import Store

_NAME = re.compile(rb'"name":"([^"]*)"')
# An entry has 213 bytes at most, so that this many hold one that is whole.
_WINDOW = 512
_BLOCK = 64 * 1024


def listed(store: Store, listing: StoredListing, prefix: str) -> Iterator[str]:
    """The names in a JSON listing that begin with ``prefix``, in order. Raises ``StorageError``."""
    key = keys.listing(listing.digest, "json")
    wanted = prefix.encode()
    low, high = 0, listing.size
    while high - low > _BLOCK:
        middle = (low + high) // 2
        found = _NAME.search(b"".join(store.read(key, middle, middle + _WINDOW)))
        if found is not None and found[1] < wanted:
            low = middle
        else:
            high = middle
    for name in _names(store, key, low, listing.size):
        if name.startswith(wanted):
            yield name.decode()
        elif name > wanted:
            return


def _names(store: Store, key: str, start: int, size: int) -> Iterator[bytes]:
    rest = b""
    for position in range(start, size, _BLOCK):
        rest += b"".join(store.read(key, position, min(position + _BLOCK, size)))
        end = 0
        for found in _NAME.finditer(rest):
            end = found.end()
            yield found[1]
        rest = rest[end:]
