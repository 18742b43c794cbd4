"""What an export has written: the next one writes only what is different, and removes what is not wanted.

The manifest is written before anything changes, with what is about to change marked, and again at the
end. So an export that was broken off leaves nothing that a later one does not know of.
"""

import json

from wheelyard.errors import InvalidDocument, KeyNotFound
from wheelyard.transfer.export.options import MANIFEST
from wheelyard.transfer.places import Described, Place

UNKNOWN = ""
"""In place of a digest: something may stand under the key, and it is not known what."""

_FORMAT = 1
_DESCRIBED = Described("application/json", "no-store")


def read_manifest(place: Place) -> dict[str, str]:
    """Key to digest of everything that earlier exports wrote; empty for the first.

    Raises ``InvalidDocument``.
    """
    try:
        raw = place.read(MANIFEST)
    except KeyNotFound:
        return {}
    try:
        document = json.loads(raw)
        written = document["written"]
        if document["version"] != _FORMAT or not isinstance(written, dict):
            raise ValueError("it is of another version")
        return {str(key): str(digest) for key, digest in written.items()}
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidDocument(
            f"{MANIFEST!r} in the target cannot be read ({error!r}): remove it and export with --full"
        ) from error


def write_manifest(place: Place, written: dict[str, str]) -> None:
    """Have it there."""
    document = {"version": _FORMAT, "written": dict(sorted(written.items()))}
    place.write(MANIFEST, json.dumps(document, indent=0).encode(), _DESCRIBED)
