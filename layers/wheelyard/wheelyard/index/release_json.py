"""The JSON API of the public index: a project's or a release's metadata and files in one document.

The form is the one that Warehouse's documentation describes ("JSON API"). What only the public index knows
(downloads, owners, vulnerabilities) has the value that it gives where it knows nothing.
"""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from packaging.version import InvalidVersion, Version

from wheelyard.errors import InvalidFilename, InvalidMetadata, NotFound
from wheelyard.protocol.filenames import Filename, parse_filename
from wheelyard.protocol.metadata import CoreMetadata, read_metadata
from wheelyard.protocol.model import File, Project

_PACKAGE_TYPES = {"wheel": "bdist_wheel", "sdist": "sdist", "egg": "bdist_egg"}


class _Release(NamedTuple):
    file: File
    parsed: Filename


def release_json(project: Project, requested: str | None, read: Callable[[str], bytes]) -> bytes:
    """The document of the project's newest release, or of the ``requested`` version.

    ``read`` gives the core metadata of a file by its name, or raises ``NotFound``.

    The newest is the highest version that is final and not wholly yanked, or else the highest. With a
    version asked for, ``releases`` is left out, as the public index does. Raises ``NotFound``.
    """
    releases = _by_version(project)
    version = _newest(releases) if requested is None else _requested(releases, requested, project)
    chosen = releases.get(version, []) if version else []
    # Relative to /pypi/<project>/json, or to /pypi/<project>/<version>/json.
    page = f"{'../../' if requested is None else '../../../'}simple/{project.name}/"
    document: dict[str, Any] = {
        "info": _info(project, page, version, chosen, _metadata(chosen, read)),
        "last_serial": None,
        "urls": [_url(page, release) for release in chosen],
        "vulnerabilities": [],
        "ownership": {"organization": None, "roles": []},
    }
    if requested is None:
        document["releases"] = {
            _spelling(found): [_url(page, release) for release in found]
            for found in releases.values()
        }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _by_version(project: Project) -> dict[Version, list[_Release]]:
    """The files of each release, ascending; files with a name that nobody can read belong to none."""
    releases: dict[Version, list[_Release]] = {}
    for file in project.offered:
        try:
            parsed = parse_filename(file.filename, legacy=True)
        except InvalidFilename:
            continue
        releases.setdefault(parsed.version, []).append(_Release(file, parsed))
    return dict(sorted(releases.items()))


def _newest(releases: dict[Version, list[_Release]]) -> Version | None:
    alive = [v for v, found in releases.items() if not all(item.file.yanked for item in found)]
    candidates = alive or list(releases)
    return max(
        (v for v in candidates if not v.is_prerelease), default=max(candidates, default=None)
    )


def _requested(
    releases: dict[Version, list[_Release]], requested: str, project: Project
) -> Version:
    try:
        version = Version(requested)
    except InvalidVersion:
        version = None
    if version is None or version not in releases:
        raise NotFound(f"project {project.name!r} has no release {requested[:100]!r}")
    return version


def _metadata(chosen: list[_Release], read: Callable[[str], bytes]) -> CoreMetadata | None:
    """The release's core metadata: a wheel's if there is one, since an sdist's may be dynamic."""
    for release in sorted(chosen, key=lambda found: found.parsed.kind != "wheel"):
        try:
            return read_metadata(read(release.file.filename))
        except (NotFound, InvalidMetadata):
            continue
    return None


def _info(
    project: Project,
    page: str,
    version: Version | None,
    chosen: list[_Release],
    metadata: CoreMetadata | None,
) -> dict[str, Any]:
    yanked = bool(chosen) and all(found.file.yanked for found in chosen)
    reasons = [found.file.yanked for found in chosen if isinstance(found.file.yanked, str)]
    info: dict[str, Any] = {
        "bugtrack_url": None,
        "downloads": {"last_day": -1, "last_month": -1, "last_week": -1},
        "docs_url": None,
        "yanked": yanked,
        "yanked_reason": reasons[0] if yanked and reasons else None,
        "project_url": page,
        "package_url": page,
        "release_url": page,
    }
    if metadata is None:
        return {"name": project.name, "version": str(version) if version else "", **info}
    return {**info, **_metadata_fields(metadata)}


def _metadata_fields(metadata: CoreMetadata) -> dict[str, Any]:
    urls = metadata.project_urls
    return {
        "name": metadata.name,
        "version": metadata.version,
        "summary": metadata.summary,
        "description": metadata.description,
        "description_content_type": metadata.description_content_type or None,
        "keywords": ",".join(metadata.keywords),
        "author": metadata.author,
        "author_email": metadata.author_email,
        "maintainer": metadata.maintainer,
        "maintainer_email": metadata.maintainer_email,
        "license": metadata.license or None,
        "license_expression": metadata.license_expression or None,
        "license_files": list(metadata.license_files) or None,
        "classifiers": list(metadata.classifiers),
        "platform": ",".join(metadata.platforms) or None,
        "home_page": metadata.home_page or "",
        "download_url": metadata.download_url or "",
        "project_urls": dict(urls) or None,
        "requires_python": metadata.requires_python or None,
        "requires_dist": list(metadata.requires_dist) or None,
        "provides_extra": list(metadata.provides_extra) or None,
        "dynamic": list(metadata.dynamic) or None,
    }


def _spelling(found: list[_Release]) -> str:
    return str(found[0].parsed.version)


def _url(page: str, release: _Release) -> dict[str, Any]:
    file, parsed = release
    return {
        "filename": file.filename,
        "url": file.url if "://" in file.url else page + file.url,
        "digests": dict(file.hashes),
        "md5_digest": file.hashes.get("md5"),
        "packagetype": _PACKAGE_TYPES[parsed.kind],
        "python_version": parsed.python_tag,
        "requires_python": file.requires_python,
        "size": file.size,
        "upload_time": file.upload_time[:19] if file.upload_time else None,
        "upload_time_iso_8601": file.upload_time,
        "yanked": bool(file.yanked),
        "yanked_reason": file.yanked if isinstance(file.yanked, str) else None,
        "has_sig": bool(file.gpg_sig),
        "comment_text": "",
        "downloads": -1,
    }
