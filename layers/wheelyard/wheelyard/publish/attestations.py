"""Attestations that come with an upload, and the provenance object that is made of them (PEP 740).

Each must be about this file: its statement must name the file and its digest. Who signed it is for
whoever installs the file to verify, since a private index has no roots of trust of its own.
"""

import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any, Final

from wheelyard.errors import InvalidFilename, InvalidUpload
from wheelyard.protocol.filenames import parse_filename

MOST_ATTESTATIONS: Final = 16
LONGEST_STATEMENT: Final = 64 * 1024

# https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md
_STATEMENT = "https://in-toto.io/Statement/v1"

# What a provenance object says of an uploader whose identity the index has only by its own accounts.
_PUBLISHER: Final[Mapping[str, object]] = {"kind": "Wheelyard", "claims": None}


def read_provenance(
    attestations: str,
    filename: str,
    sha256: str,
    publisher: Mapping[str, object] = _PUBLISHER,
) -> bytes | None:
    """The provenance object of a file, from the form's ``attestations``: a JSON array of them.

    ``publisher`` is what the object says of the uploader: ``{"kind": …, "claims": …}`` and more. None for
    an empty array. Raises ``InvalidUpload``, saying which attestation is wrong and how.
    """
    try:
        found = json.loads(attestations)
    except (ValueError, RecursionError) as error:
        raise InvalidUpload(f"form field 'attestations' is not JSON: {error!s:.200}") from error
    if not isinstance(found, list):
        raise InvalidUpload("form field 'attestations' is not a JSON array of attestations")
    if len(found) > MOST_ATTESTATIONS:
        raise InvalidUpload(
            f"form field 'attestations' has {len(found)} attestations: send {MOST_ATTESTATIONS} at most"
        )
    if not found:
        return None
    predicates = [
        _predicate(attestation, number, filename, sha256)
        for number, attestation in enumerate(found, 1)
    ]
    for number, predicate in enumerate(predicates, 1):
        if predicate in predicates[: number - 1]:
            raise _wrong(number, f"an earlier one has the predicate type {predicate!r:.200} too")
    bundle = {"publisher": dict(publisher), "attestations": found}
    return json.dumps(
        {"version": 1, "attestation_bundles": [bundle]}, separators=(",", ":")
    ).encode()


def _predicate(attestation: object, number: int, filename: str, sha256: str) -> str:
    """The predicate type of an attestation that is about this file."""
    document = _object(attestation, number, "it")
    if document.get("version") != 1 or isinstance(document.get("version"), bool):
        raise _wrong(
            number, f"its version is {document.get('version')!r:.50}, and only 1 is defined"
        )
    material = _object(document.get("verification_material"), number, "'verification_material'")
    _base64(material.get("certificate"), number, "'certificate'")
    entries = material.get("transparency_entries")
    if not isinstance(entries, list) or not entries:
        raise _wrong(number, "it has no 'transparency_entries', and needs one at least")
    for entry in entries:
        _object(entry, number, "a transparency entry")
    envelope = _object(document.get("envelope"), number, "'envelope'")
    _base64(envelope.get("signature"), number, "'signature'")
    statement = _statement(_base64(envelope.get("statement"), number, "'statement'"), number)
    _check_subject(statement, number, filename, sha256)
    predicate = statement.get("predicateType")
    if not isinstance(predicate, str) or not predicate:
        raise _wrong(number, "its statement has no 'predicateType'")
    return predicate


def _statement(raw: bytes, number: int) -> dict[str, Any]:
    if len(raw) > LONGEST_STATEMENT:
        raise _wrong(number, f"its statement is longer than {LONGEST_STATEMENT} bytes")
    try:
        statement = _object(json.loads(raw), number, "the statement")
    except (ValueError, RecursionError) as error:
        raise _wrong(number, f"its statement is not JSON: {error!s:.200}") from error
    if statement.get("_type") != _STATEMENT:
        raise _wrong(
            number, f"its statement is of type {statement.get('_type')!r:.100}, not {_STATEMENT!r}"
        )
    return statement


def _check_subject(statement: dict[str, Any], number: int, filename: str, sha256: str) -> None:
    subjects = statement.get("subject")
    if not isinstance(subjects, list) or len(subjects) != 1:
        raise _wrong(number, "its statement has not exactly one subject")
    subject = _object(subjects[0], number, "the subject")
    name = subject.get("name")
    if not isinstance(name, str) or not _same_file(name, filename):
        raise _wrong(number, f"it is about {name!r:.200}, not about {filename!r:.200}")
    digest = _object(subject.get("digest"), number, "the subject's 'digest'").get("sha256")
    if digest != sha256:
        raise _wrong(
            number,
            f"it is about a file with sha256 {digest!r:.100}, but {filename!r:.200} has {sha256}",
        )


def _same_file(name: str, filename: str) -> bool:
    """Whether two names mean the same file (PEP 740: compared as parsed, not as spelt)."""
    try:
        return (
            parse_filename(name, legacy=True).canonical
            == parse_filename(filename, legacy=True).canonical
        )
    except InvalidFilename:
        return False


def _object(value: object, number: int, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(number, f"{what} is missing or no object")
    return value


def _base64(value: object, number: int, what: str) -> bytes:
    try:
        if isinstance(value, str) and value:
            return b64decode(value, validate=True)
    except ValueError:
        pass
    raise _wrong(number, f"{what} is missing or not base64")


def _wrong(number: int, how: str) -> InvalidUpload:
    return InvalidUpload(
        f"attestation {number} of form field 'attestations' is not usable: {how}. "
        "Build and attest the file again, or upload it without attestations"
    )
