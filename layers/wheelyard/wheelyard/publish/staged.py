"""A file of a session as it was found sound when it was completed."""

from wheelyard.protocol.filenames import parse_filename
from wheelyard.protocol.metadata import parse_metadata
from wheelyard.publish.archive import Distribution
from wheelyard.publish.attestations import read_provenance
from wheelyard.publish.incoming import Incoming
from wheelyard.publish.session import Session, SessionFile
from wheelyard.storage.store import Store

SIGNATURE, ATTESTATIONS = ".asc", ".attestations"
"""What comes beside a file, by its ending."""


def staged_incoming(store: Store, session: Session, file: SessionFile, *, legacy: bool) -> Incoming:
    """A completed file with what came beside it. Raises ``KeyNotFound`` for what is gone."""
    parsed = parse_filename(file.filename, legacy=legacy)
    metadata = store.get(f"{file.staged}.metadata").body
    distribution = Distribution(
        filename=file.filename,
        canonical=parsed.canonical,
        project=session.name,
        version=parsed.version,
        kind=parsed.kind,
        python_tag=parsed.python_tag,
        metadata=parse_metadata(metadata),
        metadata_bytes=metadata,
    )
    sha256 = file.sha256 or ""
    return Incoming(
        distribution,
        file.size,
        sha256,
        signature=signature(store, file),
        provenance=provenance(store, file, sha256),
    )


def signature(store: Store, file: SessionFile) -> bytes | None:
    """The signature that came beside a file. Raises ``KeyNotFound``."""
    key = file.beside.get(SIGNATURE)
    return None if key is None else store.get(key).body


def provenance(store: Store, file: SessionFile, sha256: str) -> bytes | None:
    """What is made of the attestations that came beside it. Raises ``InvalidUpload``, ``KeyNotFound``."""
    key = file.beside.get(ATTESTATIONS)
    if key is None:
        return None
    attestations = store.get(key).body.decode("utf-8", "replace")
    named = {} if file.publisher is None else {"publisher": file.publisher}
    return read_provenance(attestations, file.filename, sha256, **named)
