"""The simple repository API's records: a file and a project.

Field by field after the specification, version 1.4
(https://packaging.python.org/en/latest/specifications/simple-repository-api/). ``None`` means that the
key is left out: clients stop at a JSON ``null`` for most of them.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from wheelyard.protocol.names import ProjectName

Status = Literal["active", "archived", "quarantined", "deprecated"]
STATUSES: tuple[Status, ...] = ("active", "archived", "quarantined", "deprecated")


class File(NamedTuple):
    """One file of a project (PEP 691, "Project Detail")."""

    filename: str
    url: str
    """Relative to the project page, or absolute."""
    hashes: Mapping[str, str]
    """Digest name, as in hashlib, to lower-case hexadecimal; may be empty."""
    requires_python: str | None = None
    core_metadata: bool | Mapping[str, str] | None = None
    """Whether, and with which digests, ``<url>.metadata`` exists (PEP 658, PEP 714)."""
    size: int | None = None
    """Bytes; mandatory from api-version 1.1 on (PEP 700)."""
    upload_time: str | None = None
    """``yyyy-mm-ddThh:mm:ss[.ffffff]Z`` (PEP 700)."""
    yanked: bool | str | None = None
    """True, or the reason (PEP 592)."""
    gpg_sig: bool | None = None
    provenance: str | None = None
    """Where the attestations are (PEP 740)."""


class Project(NamedTuple):
    """A project and its files."""

    name: ProjectName
    files: tuple[File, ...] = ()
    versions: tuple[str, ...] | None = None
    """Every version that has a file, each once (PEP 700); None where the document has none."""
    status: Status | None = None
    """The project status marker (PEP 792); None is ``active``."""
    status_reason: str | None = None

    @property
    def offered(self) -> tuple[File, ...]:
        """The files that a client may see: a quarantined project offers none (PEP 792)."""
        return () if self.status == "quarantined" else self.files
