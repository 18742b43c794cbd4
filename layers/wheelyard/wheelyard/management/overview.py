"""What management shows of a project's document. Pure."""

from collections.abc import Iterable

from packaging.version import Version

from wheelyard.management.records import FileRecord, ProjectDetails, ProjectRecord, ReleaseRecord
from wheelyard.protocol.model import File, Project
from wheelyard.publish.listing import parsed


def project_record(project: Project) -> ProjectRecord:
    """The project in one line."""
    return ProjectRecord(
        project.name,
        project.status or "active",
        project.status_reason,
        len(release_records(project)),
        len(project.files),
        _size(project.files),
        _newest(project.files),
    )


def project_details(project: Project) -> ProjectDetails:
    """The project with its versions."""
    releases = release_records(project)
    return ProjectDetails(
        project.name,
        project.status or "active",
        project.status_reason,
        len(project.files),
        _size(project.files),
        _newest(project.files),
        tuple(release.version for release in releases),
        tuple(release.version for release in releases if release.yanked is not None),
    )


def release_records(project: Project) -> list[ReleaseRecord]:
    """The releases in the order of their versions; files that are of none are left out."""
    releases: dict[Version, list[File]] = {}
    for file in project.files:
        if (name := parsed(file.filename)) is not None:
            releases.setdefault(name.version, []).append(file)
    return [_release(version, releases[version]) for version in sorted(releases)]


def _release(version: Version, files: list[File]) -> ReleaseRecord:
    uploaded = min((file.upload_time for file in files if file.upload_time), default=None)
    yanks = [file.yanked for file in files]
    yanked = yanks[0] if all(yanks) else None
    return ReleaseRecord(str(version), len(files), _size(files), uploaded, yanked)


def file_record(file: File) -> FileRecord:
    """A file in one line."""
    name = parsed(file.filename)
    return FileRecord(
        file.filename,
        None if name is None else str(name.version),
        file.size,
        file.hashes.get("sha256"),
        file.upload_time,
        file.yanked or None,
    )


def _size(files: Iterable[File]) -> int:
    return sum(file.size or 0 for file in files)


def _newest(files: Iterable[File]) -> str | None:
    return max((file.upload_time for file in files if file.upload_time), default=None)
