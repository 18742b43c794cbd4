"""Shards: what is written is found again, and is the same for the same names."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelyard.errors import InvalidDocument
from wheelyard.mirror import shards
from wheelyard.protocol.names import ProjectName

names = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True).map(ProjectName)
shard = st.dictionaries(names, st.none() | st.integers(0, 2**40), max_size=30)


@given(shard, names)
def test_find_says_what_the_document_says(entries: shards.Names, other: ProjectName) -> None:
    """A name is found with its serial exactly where the parsed document has it."""
    text = shards.shard_text(entries)
    assert json.loads(text) == entries
    for name in (*entries, other):
        found = shards.find(text, name)
        expected = shards.SnapshotEntry(entries[name]) if name in entries else None
        assert found == expected


def test_a_part_of_a_name_is_not_found() -> None:
    """Neither the beginning nor the end of a name is taken for the name."""
    text = shards.shard_text({ProjectName("flask-login"): 12, ProjectName("my-flask"): None})
    for name in ("flask", "login", "my", "12", "null", "k-l"):
        assert shards.find(text, ProjectName(name)) is None


@given(shard, st.randoms())
def test_the_same_names_are_the_same_object(entries: shards.Names, order: random.Random) -> None:
    """In whatever order the names come, the stored bytes and their name are the same."""
    items = list(entries.items())
    order.shuffle(items)
    text = shards.shard_text(dict(items))
    assert text == shards.shard_text(entries)
    assert shards.compress(text) == shards.compress(text)
    assert shards.decompress(shards.compress(text), shards.digest(text)) == text


@pytest.mark.parametrize(
    "raw",
    [b"", b"not gzip", shards.compress(b'{"other":1}'), shards.compress(b'{"a":1}')[:-9]],
    ids=["empty", "not compressed", "another's content", "cut short"],
)
def test_a_shard_that_is_not_what_its_name_says_is_refused(raw: bytes) -> None:
    """Damage is an error and never an answer."""
    with pytest.raises(InvalidDocument):
        shards.decompress(raw, shards.digest(b'{"a":1}'))


def test_of_two_spellings_the_higher_serial_counts() -> None:
    """Merging is the same in any order, and no serial is lower than any."""
    for order in ([3, None, 7], [7, 3, None], [None, 7, 3]):
        merged: shards.Names = {}
        for serial in order:
            shards.merge(merged, ProjectName("a"), serial)
        assert merged == {"a": 7}
    merged = {}
    shards.merge(merged, ProjectName("a"), None)
    assert merged == {"a": None}
