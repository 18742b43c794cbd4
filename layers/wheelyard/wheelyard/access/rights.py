"""What a user's or a token's record lets its bearer do."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from wheelyard.access.projects import EVERYTHING, NOTHING, ProjectSet, project_set
from wheelyard.errors import InvalidName


class Rights(NamedTuple):
    """Which projects may be read and uploaded; one that may not be read may not be uploaded either."""

    reads: ProjectSet = EVERYTHING
    uploads: ProjectSet = NOTHING

    @property
    def upload(self) -> bool:
        """Whether anything at all may be uploaded."""
        return bool(self.uploads.patterns)

    def as_record(self) -> dict[str, object]:
        """The keys of a record: ``upload``, and ``read`` unless everything may be read."""
        uploads = self.uploads
        record: dict[str, object] = {
            "upload": list(uploads.patterns)
            if self.upload and not uploads.everything
            else self.upload
        }
        return record if self.reads.everything else record | {"read": list(self.reads.patterns)}

    def __str__(self) -> str:
        """For people: ``read``, or ``read acme-*; upload acme-tools``."""
        read = "read" if self.reads.everything else f"read {self.reads}"
        if not self.upload:
            return read
        separator = ", " if self.reads.everything and self.uploads.everything else "; "
        return (
            read + separator + ("upload" if self.uploads.everything else f"upload {self.uploads}")
        )


def rights(upload: bool | Sequence[str] = False, read: Sequence[str] | None = None) -> Rights:
    """The rights to upload nothing (False), everything (True) or the projects named, and to read
    everything (None) or the projects named. Raises ``InvalidName``.
    """
    everything_or_nothing = EVERYTHING if upload else NOTHING
    return Rights(
        EVERYTHING if read is None else project_set(read),
        everything_or_nothing if isinstance(upload, bool) else project_set(upload),
    )


def parse_rights(record: Mapping[str, object]) -> Rights:
    """The rights that ``upload`` (a boolean, or a list of projects) and ``read`` (a list) give.

    Raises ``ValueError`` for anything else: a mistake in a record must give nobody more than was meant.
    """
    upload, read = record.get("upload") or False, record.get("read")
    if not isinstance(upload, bool) and not _is_list(upload):
        raise ValueError("upload must be true, false or a list of projects")
    if read is not None and not _is_list(read):
        raise ValueError("read must be a list of projects")
    try:
        return rights(upload, read)  # type: ignore[arg-type]  # both were looked at
    except InvalidName as error:
        raise ValueError(str(error)) from error


def _is_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)
