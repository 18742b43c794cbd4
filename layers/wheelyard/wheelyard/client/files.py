"""The files to upload, by release."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from wheelyard.errors import InvalidFilename, InvalidUpload
from wheelyard.protocol.filenames import parse_filename
from wheelyard.protocol.names import ProjectName


class Existing(Enum):
    """What to do with a file whose name is published already.

    ``SAME`` is content with the same bytes, and refuses others; ``SKIP`` leaves out any; ``STRICT`` refuses
    any; ``FORCE`` replaces others, where the index allows that.
    """

    SAME = "same"
    SKIP = "skip"
    STRICT = "strict"
    FORCE = "force"


class LocalFile(NamedTuple):
    """A file to upload, and what goes with it.

    ``attestations``  those beside it, as a JSON array
    ``signature``     the detached PGP signature that was given with it, ASCII-armoured
    """

    path: Path
    size: int
    sha256: str
    attestations: str | None
    signature: bytes | None = None

    @property
    def filename(self) -> str:
        """As it is published."""
        return self.path.name


class LocalRelease(NamedTuple):
    """The files of one release."""

    project: ProjectName
    version: str
    files: tuple[LocalFile, ...]


class Uploaded(NamedTuple):
    """What became of a file: ``published`` is False where it was before."""

    project: ProjectName
    filename: str
    published: bool


def releases(paths: Iterable[str | Path]) -> list[LocalRelease]:
    """The files by release. Signatures and attestations are taken with the files that they are for.

    Attestations are those beside a file, signatures those among ``paths`` whose name is the file's and
    ``.asc``, as twine pairs them. Raises ``InvalidFilename`` and ``InvalidUpload``.
    """
    given = [Path(path) for path in paths]
    signatures = {path.name: path for path in given if path.name.endswith(".asc")}
    found: dict[tuple[ProjectName, str], dict[str, LocalFile]] = {}
    for path in given:
        if path.name.endswith((".attestation", ".asc")):
            continue
        try:
            parsed = parse_filename(path.name, legacy=True)
        except InvalidFilename as error:
            raise InvalidFilename(f"{str(path)!r:.300} is no distribution: {error}") from error
        files = found.setdefault((parsed.project, str(parsed.version)), {})
        files[path.name] = _local(path, signatures.get(f"{path.name}.asc"))
    if not found:
        raise InvalidUpload("there is no distribution file to upload")
    return [LocalRelease(*release, tuple(files.values())) for release, files in found.items()]


def _local(path: Path, signed: Path | None) -> LocalFile:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        beside = sorted(path.parent.glob(f"{_escaped(path.name)}.*.attestation"))
        attestations = [json.loads(each.read_bytes()) for each in beside]
        signature = None if signed is None else signed.read_bytes()
    except (OSError, ValueError) as error:
        raise InvalidUpload(f"{str(path)!r:.300} cannot be read: {error}") from error
    size = path.stat().st_size
    attested = json.dumps(attestations) if attestations else None
    return LocalFile(path, size, digest, attested, signature)


def _escaped(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def wanted(
    files: Sequence[LocalFile], published: dict[str, str | None], existing: Existing
) -> list[LocalFile]:
    """The files that are to be sent, given the digests of the published ones by name.

    Raises ``InvalidUpload`` for one that may not be there, or not with other content.
    """
    chosen = []
    for file in files:
        if file.filename not in published or existing is Existing.FORCE:
            chosen.append(file)
        elif existing is Existing.STRICT:
            raise InvalidUpload(f"File already exists: {file.filename!r} is published")
        elif existing is Existing.SAME and published[file.filename] != file.sha256:
            raise InvalidUpload(
                f"File already exists: {file.filename!r} was published with other content: raise the "
                "version and upload that"
            )
    return chosen
