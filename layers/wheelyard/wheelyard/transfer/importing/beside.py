"""What stands beside a file there: taken along if it is sound, and left with a word about it if not."""

import json
from collections.abc import Callable
from typing import NamedTuple

from wheelyard.errors import InvalidUpload, WheelyardError
from wheelyard.publish.attestations import read_provenance
from wheelyard.publish.form import check_signature
from wheelyard.transfer.importing.offers import Candidate, OtherIndex


class Beside(NamedTuple):
    """A signature and attestations as they are to be stored, and why one of them is not."""

    signature: bytes | None
    provenance: bytes | None
    notes: tuple[str, ...]


def take_beside(index: OtherIndex, candidate: Candidate, sha256: str) -> Beside:
    """Read what belongs to a file that has this digest."""
    notes: list[str] = []

    def read(what: str, place: str | None, check: Callable[[bytes], object]) -> bytes | None:
        if place is None:
            return None
        try:
            found = index.read(place)
            check(found)
        except WheelyardError as error:
            notes.append(f"its {what} is left: {error}")
            return None
        return found

    signature = read("signature", candidate.signature, check_signature)
    provenance = read(
        "provenance",
        candidate.provenance,
        lambda raw: _check_provenance(raw, candidate.filename, sha256),
    )
    return Beside(signature, provenance, tuple(notes))


def _check_provenance(raw: bytes, filename: str, sha256: str) -> None:
    """Raises ``InvalidUpload`` unless every attestation is about this file (PEP 740)."""
    try:
        document = json.loads(raw)
        bundles = [json.dumps(each["attestations"]) for each in document["attestation_bundles"]]
        if document["version"] != 1:
            raise ValueError("it is not of version 1")
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise InvalidUpload(f"it is no provenance object: {error!r:.200}") from error
    for attestations in bundles:
        read_provenance(attestations, filename, sha256)
