"""Shards: what is written is found again, and is the same for the same names."""

import gzip
import json
import random
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelyard.errors import InvalidDocument
from wheelyard.mirror import shards
from wheelyard.mirror.packed import open_shard, unpack
from wheelyard.mirror.packing import pack
from wheelyard.protocol.names import ProjectName

names = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True).map(ProjectName)
shard = st.dictionaries(names, st.none() | st.integers(0, 2**40), min_size=1, max_size=30)

Names = dict[ProjectName, int | None]


def _text(entries: Names) -> str:
    return shards.shard_text(shards.entries(entries, entries.values()))


def _packed(entries: Names) -> bytes:
    text = _text(entries)
    return pack(text, shards.digest(text))


def _many(count: int) -> Names:
    """Names of which some begin as others do."""
    return {
        ProjectName(f"name{'-' if number % 3 else ''}{number:x}"): number for number in range(count)
    }


def _found(raw: bytes, digest: str, name: str) -> int | str | None:
    entry = open_shard(raw, digest).find(ProjectName(name))
    return entry.serial if entry else "absent"


@given(shard, names)
def test_find_says_what_the_document_says(entries: Names, other: ProjectName) -> None:
    """A name is found with its serial exactly where the document has it: one object, in order."""
    text = _text(entries)
    assert text == json.dumps(dict(sorted(entries.items())), separators=(",", ":"))
    assert shards.names_of(text) == sorted(entries)
    assert shards.count(text) == len(entries)
    opened = open_shard(_packed(entries), shards.digest(text))
    for name in (*entries, other):
        found = opened.find(name)
        expected = shards.SnapshotEntry(entries[name]) if name in entries else None
        assert found == expected


def test_a_part_of_a_name_is_not_found() -> None:
    """Neither the beginning nor the end of a name is taken for the name."""
    text = _text({ProjectName("flask-login"): 12, ProjectName("my-flask"): None}).encode()
    for name in ("flask", "login", "my", "12", "null", "k-l"):
        assert shards.find(text, ProjectName(name)) is None


@given(shard, st.randoms())
def test_the_same_names_are_the_same_object(entries: Names, order: random.Random) -> None:
    """In whatever order the names come, the stored bytes and their name are the same."""
    items = list(entries.items())
    order.shuffle(items)
    text = _text(dict(items))
    assert text == _text(entries)
    assert _packed(dict(items)) == _packed(entries)
    assert unpack(_packed(entries), shards.digest(text)).decode() == text


@pytest.mark.parametrize("count", [1, 127, 128, 129, 1000, 40_000])
def test_a_large_shard_is_one_file_of_small_blocks(count: int) -> None:
    """Any gzip reads it whole; a name is found in it wherever it stands; its name is in the header."""
    entries = _many(count)
    raw, digest = _packed(entries), shards.digest(_text(entries))
    assert json.loads(gzip.decompress(raw)) == entries
    assert f"{digest}.json".encode() in raw[:70_000]
    opened = open_shard(raw, digest)
    assert len(opened.blocks) == min(-(-count // 128), 250)
    for name in list(entries)[:: max(1, count // 500)]:
        assert opened.find(name) == (entries[name],)
        assert opened.find(ProjectName(f"{name}-x")) is None
    for absent in ("0", "name", "name-", "zz"):
        assert opened.find(ProjectName(absent)) is None


def test_a_name_is_found_by_unpacking_one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """However large the shard, what is unpacked is some kilobytes."""
    entries = _many(20_000)
    opened = open_shard(_packed(entries), shards.digest(_text(entries)))
    sizes = []
    unpacking = zlib.decompressobj

    class Counting:
        def __init__(self, wbits: int) -> None:
            self._inner = unpacking(wbits)

        def decompress(self, data: bytes, most: int) -> bytes:
            text = self._inner.decompress(data, most)
            sizes.append(len(text))
            return text

    monkeypatch.setattr(zlib, "decompressobj", Counting)
    assert opened.find(ProjectName("name-1a2c")) == (0x1A2C,)
    assert len(sizes) == 1
    assert sizes[0] < 5_000


def test_the_longest_names_fit_the_header() -> None:
    """A shard of the most blocks, with names of 200 characters, is written and read."""
    entries: Names = {ProjectName(f"{number:06}{'x' * 194}"): 10**12 for number in range(128 * 250)}
    raw, digest = _packed(entries), shards.digest(_text(entries))
    opened = open_shard(raw, digest)
    assert len(opened.blocks) == 250
    assert opened.find(ProjectName("031999" + "x" * 194)) == (10**12,)
    assert len(gzip.decompress(raw)) == len(_text(entries))


def test_a_shard_from_before_there_were_blocks_is_read() -> None:
    """What an earlier version stored, one compressed text, is found in as before."""
    text = _text(_many(1000))
    raw = zlib.compress(text.encode(), 9, wbits=31)
    assert _found(raw, shards.digest(text), "name-1") == 1
    assert _found(raw, shards.digest(text), "name-none") == "absent"
    assert unpack(raw, shards.digest(text)).decode() == text


ONE: Names = {ProjectName("a"): 1}
OTHER: Names = {ProjectName("other"): 1}
BAD = {
    "empty": b"",
    "not compressed": b"not gzip",
    "another's content": _packed(OTHER),
    "another's, old": zlib.compress(_text(OTHER).encode(), 9, wbits=31),
    "cut short": _packed(ONE)[:-9],
    "cut in the header": _packed(ONE)[:30],
    "cut short, old": zlib.compress(_text(ONE).encode(), 9, wbits=31)[:-9],
}


@pytest.mark.parametrize("raw", BAD.values(), ids=BAD.keys())
def test_a_shard_that_is_not_what_its_name_says_is_refused(raw: bytes) -> None:
    """Damage is an error and never an answer."""
    with pytest.raises(InvalidDocument):
        unpack(raw, shards.digest(_text(ONE)))
    with pytest.raises(InvalidDocument):
        _found(raw, shards.digest(_text(ONE)), "a")


@given(st.data())
def test_no_changed_byte_is_taken_for_an_answer(data: st.DataObject) -> None:
    """With any byte of a shard changed, a look-up says the same as before or that it is damaged."""
    entries = _many(300)
    raw, digest = _packed(entries), shards.digest(_text(entries))
    position = data.draw(st.integers(0, len(raw) - 1))
    damaged = bytearray(raw)
    damaged[position] ^= data.draw(st.integers(1, 255))
    for name in ("name0", "name-ff", "name12c", "zz"):
        with suppress(InvalidDocument):
            assert _found(bytes(damaged), digest, name) == _found(raw, digest, name)


def test_of_two_spellings_the_higher_serial_counts() -> None:
    """Merging is the same in any order, and no serial is lower than any."""
    a, b = ProjectName("a"), ProjectName("b")
    for order in ([3, None, 7], [7, 3, None], [None, 7, 3]):
        entries = shards.entries([a, b, a, a], [order[0], 1, order[1], order[2]])
        assert shards.shard_text(entries) == '{"a":7,"b":1}'
    assert shards.shard_text(shards.entries([a, a], [None, None])) == '{"a":null}'
