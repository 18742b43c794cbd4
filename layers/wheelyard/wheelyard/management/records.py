"""What management says of projects, releases and files, and of what it did."""

from typing import NamedTuple


class ProjectRecord(NamedTuple):
    """A private project. ``size`` is in bytes, ``updated`` its newest upload time."""

    project: str
    status: str
    reason: str | None
    releases: int
    files: int
    size: int
    updated: str | None


class ProjectDetails(NamedTuple):
    """A private project with its versions, in their order; those whose files are all yanked apart."""

    project: str
    status: str
    reason: str | None
    files: int
    size: int
    updated: str | None
    versions: tuple[str, ...]
    yanked: tuple[str, ...]


class ReleaseRecord(NamedTuple):
    """A release. ``yanked`` is the reason, True without one, None where a file is not yanked."""

    version: str
    files: int
    size: int
    uploaded: str | None
    yanked: bool | str | None


class FileRecord(NamedTuple):
    """A file; None is unknown. ``yanked`` is the reason, or True without one."""

    filename: str
    version: str | None
    size: int | None
    sha256: str | None
    uploaded: str | None
    yanked: bool | str | None


class Deleted(NamedTuple):
    """The files that are deleted, and whether the project has any left."""

    project: str
    deleted: tuple[str, ...]
    left: int


class Yanked(NamedTuple):
    """The files that the order was about, and whether anything had to be changed."""

    project: str
    files: tuple[str, ...]
    yanked: bool | str
    changed: bool


class StatusSet(NamedTuple):
    """A project's status, and whether it had to be changed."""

    project: str
    status: str
    reason: str | None
    changed: bool


class Released(NamedTuple):
    """A name that is private no longer."""

    project: str
    released: bool
