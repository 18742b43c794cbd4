"""What is stored of upstream projects: each one's state and, named by it, its page.

The state is written first. Where the two do not belong together somebody is writing, or died doing so:
the page is then as good as not there, and fetched again.
"""

import logging
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

from wheelyard.errors import InvalidDocument, KeyNotFound
from wheelyard.index.documents import Document
from wheelyard.mirror.state import MirroredFile, State, dump_state, parse_state
from wheelyard.protocol.names import ProjectName
from wheelyard.protocol.simple import project_json
from wheelyard.storage import keys
from wheelyard.storage.editing import edit_object
from wheelyard.storage.remembered import Remembered
from wheelyard.storage.store import Store, Stored

_logger = logging.getLogger(__name__)

_REMEMBERED_BYTES = 32 * 1024 * 1024


class Change(NamedTuple):
    """A new state, and the page that belongs to it where that is new too."""

    state: State
    page: bytes | None = None


class _Known:
    """A state as it was read."""

    def __init__(self, etag: str, state: State, length: int) -> None:
        self.etag = etag
        self.state = state
        self.size = 1024 + 4 * length


class StoredProjects:
    """Reads and writes them, and remembers what was read."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._states: Remembered[ProjectName, _Known] = Remembered(_REMEMBERED_BYTES)
        self._pages: Remembered[str, Document] = Remembered(_REMEMBERED_BYTES)

    def state(self, name: ProjectName) -> State | None:
        """The stored state, by one conditional read; None if there is none, or none that can be read."""
        known = self._states.get(name)
        key = keys.mirror_urls(name)
        try:
            stored = self._store.get_unless(key, known.etag) if known else self._store.get(key)
        except KeyNotFound:
            self._states.drop(name)
            return None
        if stored is None:
            return known.state if known else None
        state = _parsed(name, stored)
        if state is not None:
            self._states.keep(name, _Known(stored.etag, state, len(stored.body)))
        return state

    def page(self, name: ProjectName, state: State) -> Document | None:
        """The page that belongs to ``state``; None if it is not there."""
        known = self._pages.get(state.page)
        if known is None:
            try:
                body = self._store.get(keys.mirror_page(name)).body
            except KeyNotFound:
                return None
            if digest_of(body) != state.page:
                return None
            known = _document(name, state.page, body)
        self._pages.keep(state.page, known)
        return known

    def edit(
        self, name: ProjectName, change: Callable[[State | None], Change | None]
    ) -> State | None:
        """Change what is stored; returns what is stored then.

        ``change`` gets the stored state, None where there is none, and returns None to leave it. It may
        be called several times.
        """
        now: State | None = None
        page: bytes | None = None

        def edit(stored: Stored | None) -> bytes | None:
            nonlocal now, page
            now = None if stored is None else _parsed(name, stored)
            changed = change(now)
            if changed is None:
                page = None
                return None
            now, page = changed
            return dump_state(changed.state)

        edit_object(self._store, keys.mirror_urls(name), edit)
        if now is not None and page is not None:
            self._store.put(keys.mirror_page(name), page)
            if self._pages.get(now.page) is None:
                self._pages.keep(now.page, _document(name, now.page, page))
        return now

    def amend(
        self, name: ProjectName, filename: str, amend: Callable[[MirroredFile], MirroredFile]
    ) -> None:
        """Change what is known of one file, and its entry on the page with it.

        Nothing happens where the file is no longer listed, or its page is being replaced.
        """
        from wheelyard.mirror.rewriting import served_file

        def change(state: State | None) -> Change | None:
            file = None if state is None else state.files.get(filename)
            page = None if state is None else self.page(name, state)
            if state is None or file is None or page is None or amend(file) == file:
                return None
            amended = amend(file)
            files = tuple(
                served_file(listed, amended) if listed.filename == filename else listed
                for listed in page.project.files
            )
            body = project_json(page.project._replace(files=files))
            known = state.files | {filename: amended}
            return Change(state._replace(files=known, page=digest_of(body)), body)

        self.edit(name, change)


def digest_of(body: bytes) -> str:
    """How a state names its page."""
    return sha256(body).hexdigest()


def _document(name: ProjectName, digest: str, body: bytes) -> Document:
    return Document(name, Stored(body, f'"{digest[:32]}"'), keys.mirror_page(name))


def _parsed(name: ProjectName, stored: Stored) -> State | None:
    try:
        return parse_state(stored.body)
    except InvalidDocument:
        # It can be had again from upstream, except for what is pinned.
        _logger.exception("the stored state of %s is passed over", name)
        return None
