"""An upstream page as it is served here: safe filenames, checked values, relative links.

The page is somebody else's word. What a client or this index could stumble over is left out, value by
value; a file without a usable name or URL is left out whole.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urljoin

from wheelyard.mirror.filenames import version_of
from wheelyard.mirror.location import origin, without_credentials
from wheelyard.mirror.parsing import ParsedPage
from wheelyard.mirror.state import MirroredFile
from wheelyard.protocol.model import File, Project
from wheelyard.protocol.names import ProjectName

# Hexadecimal digits of each digest that can be checked here. Clients stop at one of another length.
_DIGESTS = {
    "md5": 32,
    "sha1": 40,
    "sha224": 56,
    "sha256": 64,
    "sha384": 96,
    "sha512": 128,
    "sha3_256": 64,
    "sha3_384": 96,
    "sha3_512": 128,
    "blake2b": 128,
    "blake2s": 64,
}
_HEX = re.compile(r"[0-9a-f]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# PEP 700: "yyyy-mm-ddThh:mm:ss.ffffffZ".
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
_LARGEST = 2**53
_LONGEST = 2000


class Rewritten(NamedTuple):
    """The project as served, and where each of its files is."""

    project: Project
    files: dict[str, MirroredFile]


def rewrite(page: ParsedPage, settle: Callable[[str, MirroredFile], MirroredFile]) -> Rewritten:
    """The page with links to this index, and what they stand for.

    ``settle`` is given each filename and what upstream says of it, and returns what shall count.
    """
    project = page.project
    served: list[File] = []
    sources: dict[str, MirroredFile] = {}
    versions: set[str] = set()
    # A quarantined project offers no files (PEP 792).
    for file in project.offered:
        version = version_of(file.filename, project.name)
        source = _source(file, page.base)
        if version is None or source is None or file.filename in sources:
            continue
        source = sources[file.filename] = settle(file.filename, source)
        versions.add(version)
        served.append(served_file(file, source))
    said = project.versions
    known = tuple(sorted(versions)) if said is None else tuple(dict.fromkeys(filter(_fits, said)))
    sized = all(file.size is not None for file in served)
    return Rewritten(
        Project(
            name=ProjectName(project.name),
            files=tuple(served),
            versions=known if sized else None,
            status=project.status,
            status_reason=_line(project.status_reason),
        ),
        sources,
    )


def _source(file: File, base: str) -> MirroredFile | None:
    url = absolute(base, file.url)
    if url is None:
        return None
    return MirroredFile(
        url=url,
        hashes=_hashes(file.hashes),
        size=_size(file.size),
        metadata=_metadata(file),
        provenance=None if file.provenance is None else absolute(base, file.provenance),
        signed=file.gpg_sig is True,
    )


def served_file(file: File, source: MirroredFile) -> File:
    """A file's entry on the page, with the digests of ``source``."""
    announced: bool | Mapping[str, str] | None = source.metadata
    if file.filename.endswith(".whl") and not announced:
        announced = True  # read from the wheel when it is asked for
    return File(
        filename=file.filename,
        url=file.filename,
        hashes=source.hashes,
        requires_python=_line(file.requires_python),
        core_metadata=None if source.unreadable else announced or None,
        size=source.size,
        upload_time=_time(file.upload_time),
        yanked=_line(file.yanked) or True if isinstance(file.yanked, str) else file.yanked,
        gpg_sig=file.gpg_sig,
        provenance=f"{file.filename}.provenance" if source.provenance else None,
    )


def absolute(base: str, link: str) -> str | None:
    """A link as an http(s) URL without fragment and credentials, None if it is none."""
    if _CONTROL.search(link) or len(link) > _LONGEST:
        return None
    try:
        url = urljoin(base, link.strip()).partition("#")[0]
        return without_credentials(url) if origin(url) else None
    except ValueError:
        return None


def _hashes(found: Mapping[str, str]) -> dict[str, str]:
    return {
        name: digest
        for name, digest in found.items()
        if len(digest) == _DIGESTS.get(name) and _HEX.fullmatch(digest)
    }


def _metadata(file: File) -> bool | dict[str, str] | None:
    if isinstance(file.core_metadata, Mapping):
        return _hashes(file.core_metadata) or True
    return file.core_metadata


def _size(size: int | None) -> int | None:
    return size if size is not None and 0 <= size <= _LARGEST else None


def _line(text: str | None) -> str | None:
    """Text that may stand in a page, None for what may not."""
    return text if text is not None and _fits(text) else None


def _fits(text: str) -> bool:
    return len(text) <= _LONGEST and not _CONTROL.search(text)


def _time(text: str | None) -> str | None:
    """A time as the specification writes it; one that no client could read is left out."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    if text is None or found.tzinfo is None:
        return None
    if _TIME.fullmatch(text):
        return text
    try:
        return found.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    except OverflowError:
        return None
