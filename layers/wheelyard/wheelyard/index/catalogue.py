"""The names of the private projects, in 256 hash buckets, one object each.

A new project rewrites the one bucket that its name belongs to, whatever the number of projects; the
root listing reads those buckets that changed since it was last asked for.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Set
from contextlib import suppress
from typing import NamedTuple

from wheelyard.errors import InvalidDocument, InvalidName, KeyNotFound
from wheelyard.protocol.names import ProjectName, project_names
from wheelyard.storage import keys
from wheelyard.storage.editing import edit_object
from wheelyard.storage.store import Store, Stored

_READERS = 16


class _Bucket(NamedTuple):
    etag: str
    names: frozenset[ProjectName]


class _Known(NamedTuple):
    """What the buckets held when they were last asked for, and all their names, sorted."""

    buckets: dict[str, _Bucket]
    names: list[ProjectName]


class Catalogue:
    """Which private projects there are."""

    def __init__(self, store: Store, announce: Callable[[], None] | None = None) -> None:
        """``announce`` is called when a project is new, or none any more; it raises nothing."""
        self._store = store
        self._announce = announce
        self._known = _Known({}, [])

    def names(self) -> list[ProjectName]:
        """All names, sorted. One listing of the buckets, and a read of each that changed."""
        current = {entry.key: entry.etag for entry in self._store.list(keys.CATALOGUE)}
        known = self._known.buckets
        changed = [
            key for key, etag in current.items() if key not in known or known[key].etag != etag
        ]
        if changed or len(known) != len(current):
            kept = {key: known[key] for key in current if key in known}
            buckets = kept | self._read(changed)
            names = sorted(name for bucket in buckets.values() for name in bucket.names)
            self._known = _Known(buckets, names)
        return list(self._known.names)

    def _read(self, bucket_keys: list[str]) -> "dict[str, _Bucket]":
        if len(bucket_keys) < 2:
            return dict(map(self._read_one, bucket_keys))
        # Only the first listing of a process has many to read.
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(_READERS) as pool:
            return dict(pool.map(self._read_one, bucket_keys))

    def _read_one(self, key: str) -> "tuple[str, _Bucket]":
        try:
            stored = self._store.get(key)
        except KeyNotFound:
            return key, _Bucket("", frozenset())
        return key, _Bucket(stored.etag, frozenset(_parse(key, stored.body)))

    def __contains__(self, name: ProjectName) -> bool:
        """Whether ``name`` is there; one read. Raises ``InvalidDocument``."""
        with suppress(KeyNotFound):
            key = keys.catalogue(name)
            return name in _parse(key, self._store.get(key).body)
        return False

    def readable(self) -> Iterator[ProjectName]:
        """The names in all buckets that can be read."""
        for entry in self._store.list(keys.CATALOGUE):
            with suppress(KeyNotFound, InvalidDocument):
                names = _parse(entry.key, self._store.get(entry.key).body)
                yield from (name for name in names if keys.catalogue(name) == entry.key)

    def add(self, name: ProjectName) -> None:
        """Have ``name`` in the catalogue; no write where it is."""
        self._change(name, lambda names: names | {name})

    def remove(self, name: ProjectName) -> None:
        """Have ``name`` no longer in the catalogue; no write where it is not."""
        self._change(name, lambda names: names - {name})

    def correct(
        self, names: Set[ProjectName], is_there: Callable[[ProjectName], bool]
    ) -> tuple[Set[ProjectName], Set[ProjectName]]:
        """Have exactly ``names`` in the catalogue; returns what was added and what was removed.

        A name that was catalogued meanwhile is not among them: ``is_there`` is asked before one is
        removed. A bucket that cannot be read is written anew.
        """
        added: set[ProjectName] = set()
        removed: set[ProjectName] = set()
        by_key: dict[str, set[ProjectName]] = {}
        for name in names:
            by_key.setdefault(keys.catalogue(name), set()).add(name)
        for key in sorted({*by_key, *(entry.key for entry in self._store.list(keys.CATALOGUE))}):
            wanted = by_key.get(key, set())
            before, after = self._correct_bucket(key, wanted, is_there)
            added |= after - before
            removed |= before - after
        return added, removed

    def _correct_bucket(
        self, key: str, wanted: Set[ProjectName], is_there: Callable[[ProjectName], bool]
    ) -> tuple[Set[ProjectName], Set[ProjectName]]:
        before: frozenset[ProjectName] = frozenset()
        after: frozenset[ProjectName] = frozenset()

        def edit(stored: Stored | None) -> bytes | None:
            nonlocal before, after
            try:
                before = frozenset(_parse(key, stored.body)) if stored else frozenset()
            except InvalidDocument:
                before = frozenset()
            others = {name for name in before - wanted if keys.catalogue(name) == key}
            after = frozenset(wanted) | {name for name in others if is_there(name)}
            return None if stored and stored.body == _dump(after) else _dump(after)

        edit_object(self._store, key, edit)
        return before, after

    def _change(
        self,
        name: ProjectName,
        change: Callable[[frozenset[ProjectName]], frozenset[ProjectName]],
    ) -> None:
        key = keys.catalogue(name)

        def edit(stored: Stored | None) -> bytes | None:
            names = frozenset(_parse(key, stored.body)) if stored else frozenset()
            changed = change(names)
            return None if changed == names else _dump(changed)

        if edit_object(self._store, key, edit) and self._announce is not None:
            self._announce()


def _parse(key: str, raw: bytes) -> Iterable[ProjectName]:
    try:
        return project_names(json.loads(raw)["names"])
    except (ValueError, TypeError, KeyError, InvalidName, RecursionError) as error:
        raise InvalidDocument(
            f"{key!r} cannot be read: {error!r:.200}; a rebuild makes it anew"
        ) from error


def _dump(names: Iterable[ProjectName]) -> bytes:
    return json.dumps({"names": sorted(names)}, separators=(",", ":")).encode()
