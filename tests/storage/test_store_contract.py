"""What every store promises, on each kind: memory, a directory, and S3 as two servers understand it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wheelyard.errors import KeyChanged, KeyExists, KeyNotFound
from wheelyard.storage.store import CHUNK, Store

ODD_KEYS = [
    "packages/acme/acme-1!2.0+local.1-py3-none-any.whl",
    "packages/acme/~acme~1.0_(copy).tar.gz",
    "packages/żółw/naïve 文.whl",
    "packages/acme/a%2Bb%20c.whl",
    "packages/acme/a&b=c?d#e;f,g@h:i$j'k*l.whl",
    'packages/acme/"^`|<>[]{}.whl',
    f"packages/acme/{'x' * 200}.whl",
]

NOWHERE = '"no-such-tag"'

READS: dict[str, Callable[[Store, str], object]] = {
    "get": lambda store, key: store.get(key),
    "get_unless": lambda store, key: store.get_unless(key, NOWHERE),
    "head": lambda store, key: store.head(key),
    "read": lambda store, key: list(store.read(key)),
    "read range": lambda store, key: list(store.read(key, 1, 2)),
}


def keys(store: Store, prefix: str) -> list[str]:
    """What ``store`` lists below ``prefix``."""
    return [entry.key for entry in store.list(prefix)]


# --- whole objects ---


@pytest.mark.parametrize(
    "body", [b"", b"x", bytes(range(256)) * 10_000], ids=["none", "one", "many"]
)
def test_what_is_put_is_got(store: Store, body: bytes) -> None:
    """The bytes come back as they were, with the tag that the write gave."""
    etag = store.put("projects/acme.json", body)
    assert store.get("projects/acme.json") == (body, etag)
    assert b"".join(store.read("projects/acme.json")) == body


def test_put_overwrites(store: Store) -> None:
    """A second put replaces the first, and gives another tag to other bytes."""
    first = store.put("projects/acme.json", b"first")
    second = store.put("projects/acme.json", b"other")
    assert store.get("projects/acme.json") == (b"other", second)
    assert first != second


@pytest.mark.parametrize("read", READS.values(), ids=READS)
@pytest.mark.parametrize(
    "key",
    [
        "projects/none.json",
        "nowhere/at/all",
        "projects",
        "projects/acme.json/below",
        f"projects/{'x' * 300}.json",
    ],
)
def test_a_missing_key_is_not_found(
    store: Store, read: Callable[[Store, str], object], key: str
) -> None:
    """Reading under a key that holds no object says so, folders, children and long names included."""
    store.put("projects/acme.json", b"x")
    with pytest.raises(KeyNotFound):
        read(store, key)


def test_head_tells_without_reading(store: Store) -> None:
    """Size, tag and the time of writing are known without the body."""
    before = datetime.now(UTC) - timedelta(seconds=2)
    etag = store.put("projects/acme.json", b"12345")
    entry = store.head("projects/acme.json")
    assert (entry.key, entry.size, entry.etag) == ("projects/acme.json", 5, etag)
    assert before <= entry.modified <= datetime.now(UTC) + timedelta(seconds=2)
    assert entry.modified.utcoffset() == timedelta(0)


def test_get_unless_answers_only_a_change(store: Store) -> None:
    """With the current tag there is no body; with another there is the object and its tag."""
    first = store.put("projects/acme.json", b"first")
    assert store.get_unless("projects/acme.json", first) is None
    second = store.put("projects/acme.json", b"other")
    assert store.get_unless("projects/acme.json", first) == (b"other", second)


@pytest.mark.parametrize("key", ODD_KEYS)
def test_odd_keys_are_kept_as_they_are(store: Store, key: str) -> None:
    """Epochs, local versions, unicode and percent signs: written, read, listed and deleted alike."""
    etag = store.create(key, key.encode())
    assert store.get(key) == (key.encode(), etag)
    assert store.head(key).key == key
    assert keys(store, key.rpartition("/")[0] + "/") == [key]
    store.delete(key)
    assert keys(store, "packages/") == []


# --- conditional writes ---


def test_create_needs_a_free_key(store: Store) -> None:
    """What is there stays, whether its bytes are the same or not; once deleted, the key is free."""
    store.create("packages/acme/a.whl", b"first")
    for body in (b"first", b"other"):
        with pytest.raises(KeyExists):
            store.create("packages/acme/a.whl", body)
    assert store.get("packages/acme/a.whl").body == b"first"
    store.delete("packages/acme/a.whl")
    etag = store.create("packages/acme/a.whl", b"third")
    assert store.get("packages/acme/a.whl") == (b"third", etag)


def test_replace_needs_the_object_that_was_read(store: Store) -> None:
    """With the tag that was read the object is replaced, and once only."""
    first = store.create("projects/acme.json", b"first")
    assert store.get("projects/acme.json").etag == first
    second = store.replace("projects/acme.json", b"second", first)
    with pytest.raises(KeyChanged):
        store.replace("projects/acme.json", b"third", first)
    assert store.get("projects/acme.json") == (b"second", second)
    store.replace("projects/acme.json", b"fourth", second)
    assert store.get("projects/acme.json").body == b"fourth"


def test_replace_takes_every_tag_that_the_store_gives(store: Store, tmp_path: Path) -> None:
    """Tags from writing, reading, asking and listing all name the object."""
    etag = store.put("projects/acme.json", b"0")
    for number in range(3):
        for tag in (
            store.get("projects/acme.json").etag,
            store.head("projects/acme.json").etag,
            next(iter(store.list("projects/"))).etag,
        ):
            assert tag == etag
        etag = store.replace("projects/acme.json", f"{number + 1}".encode(), etag)


def test_replace_of_nothing_is_a_change(store: Store) -> None:
    """An object that was removed after it was read is not written again."""
    etag = store.create("projects/acme.json", b"first")
    store.delete("projects/acme.json")
    for tag in (etag, NOWHERE):
        with pytest.raises(KeyChanged):
            store.replace("projects/acme.json", b"second", tag)
    with pytest.raises(KeyNotFound):
        store.get("projects/acme.json")


def test_an_object_made_anew_is_another(store: Store) -> None:
    """However quickly a key is deleted and created again, the old tag does not name the new object."""
    for number in range(30):
        old = store.create("projects/acme.json", f"{number:04}".encode())
        store.delete("projects/acme.json")
        store.create("projects/acme.json", f"{number + 1:04}".encode())
        with pytest.raises(KeyChanged):
            store.replace("projects/acme.json", b"lost", old)
        store.delete("projects/acme.json")


def test_delete_may_be_repeated(store: Store) -> None:
    """Removing what is not there is no error, and removes nothing else."""
    store.put("projects/acme.json", b"x")
    store.put("projects/acme.json2", b"x")
    for _ in range(2):
        store.delete("projects/acme.json")
    store.delete("nowhere/at/all")
    assert keys(store, "projects/") == ["projects/acme.json2"]


# --- listings ---


def test_a_listing_is_of_one_folder(store: Store) -> None:
    """Everything below the folder at any depth, in the keys' order, and nothing beside it."""
    inside = ["a/b/1", "a/b/2/x/y", "a/b/2x", "a/b/B", "a/b/é"]
    beside = ["a/b-c/1", "a/b.txt", "a/bc/1"]
    for key in ["b/a/b/1", "top", *inside, *beside]:
        store.put(key, key.encode())
    assert set(keys(store, "a/b/")) == set(inside)
    assert set(keys(store, "a/")) == {*inside, *beside}
    assert keys(store, "a/b/2/") == ["a/b/2/x/y"]


# SeaweedFS lists folder by folder, "a/z/1" before "a/z.whl", which S3 does not.
@pytest.mark.parametrize("store", ["memory", "directory", "moto"], indirect=True)
def test_a_listing_is_in_the_keys_order(store: Store) -> None:
    """Keys come in the order of their characters, with ``/`` as one of them."""
    wanted = [
        "a/B",
        "a/b-c/1",
        "a/b.txt",
        "a/b/1",
        "a/b/2",
        "a/bc",
        "a/z-1",
        "a/z/1",
        "a/é",
        "a/文",
    ]
    for key in reversed(wanted):
        store.put(key, b"")
    assert keys(store, "a/") == wanted
    assert keys(store, "") == wanted


def test_a_listing_of_nothing_is_empty(store: Store) -> None:
    """A folder that never was, that is empty again, or that is an object, lists nothing."""
    assert keys(store, "") == []
    store.put("a/b/1", b"")
    store.delete("a/b/1")
    assert keys(store, "a/b/") == keys(store, "a/") == keys(store, "never/") == []
    store.put("object", b"")
    assert keys(store, "object/") == []


def test_a_listing_knows_what_head_knows(store: Store) -> None:
    """Entries of a listing are those that are asked for one by one."""
    for key in ("a/1", "a/2"):
        store.put(key, key.encode() * 10)
    listed = list(store.list("a/"))
    asked = [store.head(entry.key) for entry in listed]
    assert [entry[:3] for entry in listed] == [entry[:3] for entry in asked]
    for one, other in zip(listed, asked, strict=True):
        # HTTP dates have whole seconds.
        assert abs(one.modified - other.modified) < timedelta(seconds=1)


def test_a_long_listing_is_whole(store: Store) -> None:
    """More keys than S3 gives in one answer are listed, each once, in order."""
    wanted = [f"many/{number:05}" for number in range(1_005)]
    for key in wanted:
        store.put(key, b"")
    assert keys(store, "many/") == wanted


# --- reading in parts ---


BODY = bytes(range(256)) * 64


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (0, None),
        (0, 0),
        (0, 1),
        (5, 5),
        (5, 100),
        (100, None),
        (len(BODY) - 1, None),
        (len(BODY) - 1, len(BODY)),
        (10, len(BODY) + 10),
        (len(BODY), None),
        (len(BODY) + 5, len(BODY) + 10),
    ],
)
def test_a_range_is_read_as_a_slice(store: Store, start: int, end: int | None) -> None:
    """The bytes from ``start`` to before ``end``, as a slice has them, beyond the end included."""
    store.put("packages/acme/a.whl", BODY)
    assert b"".join(store.read("packages/acme/a.whl", start, end)) == BODY[start:end]


def test_a_large_object_is_read_in_chunks(store: Store) -> None:
    """No chunk is larger than promised, however large the object is."""
    body = bytes(range(256)) * 20_000
    store.put("packages/acme/a.whl", body)
    chunks = list(store.read("packages/acme/a.whl"))
    assert b"".join(chunks) == body
    assert max(map(len, chunks)) <= CHUNK
    assert (
        b"".join(store.read("packages/acme/a.whl", 1_000_000, 4_000_000))
        == body[1_000_000:4_000_000]
    )


# --- files ---


SIZES = [0, 1, 8 * 1024 * 1024, 8 * 1024 * 1024 + 1, 21_000_000]
"""Around the size from which an object is sent in parts."""


def file_of(path: Path, size: int) -> bytes:
    """Fill the file ``path`` with ``size`` bytes that differ; returns them."""
    body = (bytes(range(251)) * (size // 251 + 1))[:size]
    path.write_bytes(body)
    return body


@pytest.mark.parametrize("size", SIZES)
def test_a_file_becomes_an_object(store: Store, tmp_path: Path, size: int) -> None:
    """A file of any size is created as an object like any other, and nothing else is left."""
    body = file_of(tmp_path / "a.whl", size)
    store.create_from("packages/acme/a.whl", tmp_path / "a.whl")
    found = store.get("packages/acme/a.whl")
    assert found.body == body
    assert store.head("packages/acme/a.whl")[1:3] == (size, found.etag)
    assert everything(store) == ["packages/acme/a.whl"]


@pytest.mark.parametrize("size", [1, 9_000_000])
def test_a_file_needs_a_free_key(store: Store, tmp_path: Path, size: int) -> None:
    """A file does not replace an object, whatever its size, and leaves nothing when refused."""
    file_of(tmp_path / "a.whl", size)
    etag = store.create("packages/acme/a.whl", b"first")
    with pytest.raises(KeyExists):
        store.create_from("packages/acme/a.whl", tmp_path / "a.whl")
    assert store.get("packages/acme/a.whl") == (b"first", etag)
    assert everything(store) == ["packages/acme/a.whl"]


def test_a_file_beside_the_store_becomes_an_object(store: Store, tmp_path: Path) -> None:
    """A file in the store's own staging folder is taken as well as one from elsewhere."""
    path = (store.staging() or tmp_path) / "mine.whl"
    body = file_of(path, 9_000_000)
    store.create_from("packages/acme/a.whl", path)
    path.unlink(missing_ok=True)
    assert store.get("packages/acme/a.whl").body == body


@pytest.mark.parametrize("size", [0, 1, 21_000_000])
def test_a_file_overwrites_an_object(store: Store, tmp_path: Path, size: int) -> None:
    """``put_from`` writes whatever was there, and the object has another tag then."""
    etag = store.put("packages/acme/a.whl", b"first")
    body = file_of(tmp_path / "a.whl", size)
    store.put_from("packages/acme/a.whl", tmp_path / "a.whl")
    found = store.get("packages/acme/a.whl")
    assert found.body == body
    assert found.etag != etag
    assert (tmp_path / "a.whl").stat().st_size == size
    assert everything(store) == ["packages/acme/a.whl"]


@pytest.mark.parametrize("size", [0, 1, 9_000_000])
def test_an_object_is_copied(store: Store, size: int) -> None:
    """A copy is an object of its own: deleting or changing the one leaves the other."""
    body = b"x" * size
    etag = store.put("packages/acme/a.whl", body)
    store.copy("packages/acme/a.whl", "rejected/acme/a!1.0+b.whl")
    assert store.get("packages/acme/a.whl") == (body, etag)
    copied = store.get("rejected/acme/a!1.0+b.whl")
    assert copied.body == body
    store.put("packages/acme/a.whl", b"changed")
    store.delete("packages/acme/a.whl")
    assert store.get("rejected/acme/a!1.0+b.whl") == copied


def test_a_copy_needs_a_source_and_a_free_key(store: Store) -> None:
    """Copying nothing, or onto something, changes nothing and says which of the two it was."""
    etag = store.put("a/taken", b"taken")
    store.put("a/source", b"source")
    with pytest.raises(KeyExists):
        store.copy("a/source", "a/taken")
    with pytest.raises(KeyNotFound):
        store.copy("a/nothing", "a/new")
    assert store.get("a/taken") == (b"taken", etag)
    assert everything(store) == ["a/source", "a/taken"]


def everything(store: Store) -> list[str]:
    """Every key in the store."""
    return keys(store, "")
