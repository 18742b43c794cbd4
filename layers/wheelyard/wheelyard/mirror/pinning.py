"""A filename means the same bytes for ever, whatever upstream says later."""

import logging
from collections.abc import Mapping

from wheelyard.mirror.state import MirroredFile, State
from wheelyard.protocol.names import ProjectName
from wheelyard.storage import keys
from wheelyard.storage.store import Store

_logger = logging.getLogger(__name__)

# What a project can once have listed and still be remembered.
_MOST_UNLISTED = 20_000


class Pins:
    """What upstream said of a project's files before."""

    def __init__(self, store: Store, name: ProjectName, before: State | None) -> None:
        self._store = store
        self._name = name
        self._known: dict[str, MirroredFile] = {}
        if before is not None:
            self._known = {**before.unlisted, **before.files}

    def settle(self, filename: str, said: MirroredFile) -> MirroredFile:
        """What counts for a file: what upstream says now, or before if the file is stored already."""
        known = self._known.get(filename)
        if known is None or not known.hashes:
            return said
        common = known.hashes.keys() & said.hashes.keys()
        changed = [name for name in common if known.hashes[name] != said.hashes[name]]
        if common and not changed:
            unreadable = known.unreadable and not said.metadata
            return said._replace(hashes={**known.hashes, **said.hashes}, unreadable=unreadable)
        if not self._store.exists(keys.mirror_file(self._name, filename)):
            return said
        if changed:
            self._report(filename, changed[0], known, said)
        return known

    def unlisted(self, listed: Mapping[str, MirroredFile]) -> dict[str, MirroredFile]:
        """What to remember of the files that are no longer listed."""
        gone = [
            (filename, file)
            for filename, file in self._known.items()
            if filename not in listed and file.hashes
        ]
        return dict(gone[-_MOST_UNLISTED:])

    def _report(self, filename: str, digest: str, known: MirroredFile, said: MirroredFile) -> None:
        _logger.warning(
            "security: upstream offers other bytes as %s: %s was %s and is now %s; the stored file stays",
            filename,
            digest,
            known.hashes[digest],
            said.hashes[digest],
            extra={"fields": {"event": "upstream-file-changed", "project": self._name}},
        )
