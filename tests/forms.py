"""Upload forms part by part, so that a test can spoil any of them; and attestations."""

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any, NamedTuple

from distributions import BuiltDistribution

BOUNDARY = "a-boundary-that-no-file-contains"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"

SIGNATURE = b"-----BEGIN PGP SIGNATURE-----\n\niQEzBAABCAAdFiEE\n-----END PGP SIGNATURE-----\n"


class Part(NamedTuple):
    """One part of a form; ``filename`` makes it a file."""

    name: str
    content: bytes
    filename: str | None = None


def encode(parts: list[Part], boundary: str = BOUNDARY) -> bytes:
    """A multipart/form-data body (RFC 7578)."""
    pieces = []
    for part in parts:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{part.name}"'
        if part.filename is not None:
            head += f'; filename="{part.filename}"\r\nContent-Type: application/octet-stream'
        head += "\r\n\r\n"
        pieces.append(head.encode() + part.content + b"\r\n")
    return b"".join(pieces) + f"--{boundary}--\r\n".encode()


def fields(built: BuiltDistribution, **others: str | None) -> dict[str, str]:
    """The fields that twine sends for a file; in ``others``, None leaves one out.

    A leading ``:`` cannot stand in a keyword, so ``action`` is that field.
    """
    stem = built.filename
    for ending in (".tar.gz", ".tar.bz2", ".tar.xz", ".zip", ".whl", ".egg"):
        stem = stem.removesuffix(ending)
    name, version, *_ = [*stem.split("-"), "1.0"]
    wheel = built.filename.endswith(".whl")
    values: dict[str, str | None] = {
        "action": "file_upload",
        "protocol_version": "1",
        "metadata_version": "2.4",
        "name": name,
        "version": version,
        "filetype": "bdist_wheel" if wheel else "sdist",
        "pyversion": "py3" if wheel else "source",
        "sha256_digest": built.sha256,
        "blake2_256_digest": hashlib.blake2b(built.content, digest_size=32).hexdigest(),
        **others,
    }
    if (action := values.pop("action")) is not None:
        values[":action"] = action
    return {key: value for key, value in values.items() if value is not None}


def parts(
    built: BuiltDistribution, more: list[Part] | None = None, **others: str | None
) -> list[Part]:
    """The parts of twine's form for a file, with ``more`` at the end."""
    sent = [Part(name, value.encode()) for name, value in fields(built, **others).items()]
    return [*sent, Part("content", built.content, built.filename), *(more or [])]


def attestation(
    built: BuiltDistribution,
    predicate: str = "https://docs.example/attestations/publish/v1",
    **statement: Any,
) -> dict[str, Any]:
    """An attestation object about a file (PEP 740), its signature made up; ``statement`` changes that."""
    document = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": built.filename, "digest": {"sha256": built.sha256}}],
        "predicateType": predicate,
        "predicate": None,
        **statement,
    }
    return {
        "version": 1,
        "verification_material": {
            "certificate": b64encode(b"a certificate").decode(),
            "transparency_entries": [{"logIndex": "1"}],
        },
        "envelope": {
            "statement": b64encode(json.dumps(document).encode()).decode(),
            "signature": b64encode(b"a signature").decode(),
        },
    }


def changed(document: Mapping[str, Any], path: str, value: object) -> dict[str, Any]:
    """A deep copy of a document with another value at the dotted ``path``; ``...`` removes the key."""
    copy: dict[str, Any] = json.loads(json.dumps(document))
    *folders, last = path.split(".")
    place = copy
    for folder in folders:
        place = place[folder]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    return copy
