"""What is known of an upstream project besides its page: where its files are, and how to revalidate."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from wheelyard.errors import InvalidDocument


class MirroredFile(NamedTuple):
    """Where an upstream file is, and what it must be.

    ``hashes``      every digest that can be checked; the file is accepted only if all match
    ``metadata``    what upstream says of its ``.metadata``: None, whether it is there, or its digests
    ``provenance``  the URL of its attestations
    ``signed``      whether upstream says that there is a ``.asc``
    ``unreadable``  whether its ``.metadata`` was tried, and there is none to be had
    """

    url: str
    hashes: Mapping[str, str]
    size: int | None = None
    metadata: bool | Mapping[str, str] | None = None
    provenance: str | None = None
    signed: bool = False
    unreadable: bool = False


class State(NamedTuple):
    """An upstream project, as of when it was last asked for.

    ``source``     which upstream index it is of, by the digest of its address
    ``etag``       upstream's entity tag of the page, to revalidate it with
    ``checked``    when upstream last said that this is so, in seconds since the epoch
    ``serial``     the project's serial as upstream's page said it
    ``asked_for``  the serial that the snapshot had then: the page may lag behind it
    ``page``       the SHA-256 of the page as served, to tell that both objects belong together
    ``gone``       since when upstream has said 404, None while the project is there
    ``files``      by filename
    ``unlisted``   files that upstream listed once; one that comes back must be the same
    """

    source: str
    etag: str | None
    checked: float
    serial: int | None
    asked_for: int | None
    page: str
    gone: float | None
    files: dict[str, MirroredFile]
    unlisted: dict[str, MirroredFile]

    def is_fresh(self, now: float, serial: int | None, lifetime: float) -> bool:
        """Whether upstream need not be asked; ``serial`` is the snapshot's, None where it has none."""
        age = now - self.checked
        if self.gone is not None or serial is None or self.serial is None:
            return 0 <= age < lifetime
        if self.serial >= serial:
            return True
        # Asked since the snapshot was taken, and upstream's cache answered with an older page.
        return (self.asked_for or 0) >= serial and 0 <= age < min(lifetime, _LAG)

    def is_gone(self, lifetime: float) -> bool:
        """Whether upstream has not had the project for so long that it is not here either."""
        return self.gone is not None and self.checked - self.gone >= lifetime


# Seconds between two looks at a page that is known to be older than it should.
_LAG = 30.0

_FORMAT = 1


def dump_state(state: State) -> bytes:
    """The state as it is stored."""
    document = {
        "version": _FORMAT,
        "source": state.source,
        "etag": state.etag,
        "checked": state.checked,
        "serial": state.serial,
        "asked-for": state.asked_for,
        "page": state.page,
        "gone": state.gone,
        "files": {name: _dump_file(file) for name, file in state.files.items()},
        "unlisted": {name: _dump_file(file) for name, file in state.unlisted.items()},
    }
    return json.dumps(document, separators=(",", ":")).encode()


def _dump_file(file: MirroredFile) -> dict[str, Any]:
    entry: dict[str, Any] = {"url": file.url, "hashes": dict(file.hashes)}
    if file.size is not None:
        entry["size"] = file.size
    if file.metadata is not None:
        entry["metadata"] = file.metadata
    if file.provenance is not None:
        entry["provenance"] = file.provenance
    if file.signed:
        entry["signed"] = True
    if file.unreadable:
        entry["unreadable"] = True
    return entry


def parse_state(raw: bytes) -> State:
    """Read a stored state. Raises ``InvalidDocument``."""
    try:
        document = json.loads(raw)
        return State(
            source=document["source"],
            etag=document["etag"],
            checked=document["checked"],
            serial=document["serial"],
            asked_for=document["asked-for"],
            page=document["page"],
            gone=document["gone"],
            files={name: _file(entry) for name, entry in document["files"].items()},
            unlisted={name: _file(entry) for name, entry in document["unlisted"].items()},
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidDocument(
            f"what is known of a mirrored project cannot be read: {error!r}"
        ) from error


def _file(entry: dict[str, Any]) -> MirroredFile:
    return MirroredFile(
        url=entry["url"],
        hashes=entry["hashes"],
        size=entry.get("size"),
        metadata=entry.get("metadata"),
        provenance=entry.get("provenance"),
        signed=entry.get("signed", False),
        unreadable=entry.get("unreadable", False),
    )
