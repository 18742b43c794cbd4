"""Names by prefix out of a stored listing, against the list that it was made of."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from obstore.store import MemoryStore

from wheelyard.mirror import listed as module
from wheelyard.mirror.listed import listed
from wheelyard.mirror.manifest import StoredListing
from wheelyard.protocol.simple import root_json
from wheelyard.storage import keys
from wheelyard.storage.objects import ObjectStore

NAMES = st.lists(st.from_regex(r"[a-c]([a-c-]{0,3}[a-c])?", fullmatch=True), max_size=60)


class Counting(ObjectStore):
    """Notes how much is read."""

    def __init__(self) -> None:
        super().__init__(MemoryStore())
        self.bytes_read = 0

    def read(self, key: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """See ``Store.read``."""
        for chunk in super().read(key, start, end):
            self.bytes_read += len(chunk)
            yield chunk


def _stored(store: ObjectStore, names: list[str]) -> StoredListing:
    body = root_json(names)
    store.put(keys.listing("d", "json"), body)
    return StoredListing("d", len(body), 0)


@given(NAMES, st.text("abc-", max_size=4))
def test_the_names_with_a_prefix_are_found(drawn: list[str], prefix: str) -> None:
    """Exactly those, in order, whatever the blocks that are read."""
    names = sorted(set(drawn))
    store = ObjectStore(MemoryStore())
    listing = _stored(store, names)
    expected = [name for name in names if name.startswith(prefix)]
    with pytest.MonkeyPatch.context() as patch:
        for block in (40, 200, 65536):
            patch.setattr(module, "_BLOCK", block)
            assert list(listed(store, listing, prefix)) == expected


def test_little_is_read_of_a_large_listing() -> None:
    """A hundred thousand names are found among by less than a tenth of the listing."""
    names = sorted(f"project-{number:06}-{number % 7}" for number in range(100_000))
    store = Counting()
    listing = _stored(store, names)
    expected = [name for name in names if name.startswith("project-0777")]
    assert list(listed(store, listing, "project-0777")) == expected
    assert list(listed(store, listing, "zzz")) == []
    assert store.bytes_read < listing.size / 10
