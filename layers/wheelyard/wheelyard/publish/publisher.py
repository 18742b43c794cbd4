"""Publishing: a checked distribution is stored, then listed.

The order is the whole of it. The file is created under its final key, then its metadata, then the
project's document is replaced, then the catalogue. Whoever dies in between leaves a file that is
stored and not listed, and the same upload sent again goes on from there.
"""

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC
from typing import NamedTuple

from packaging.version import InvalidVersion, Version

from wheelyard.errors import (
    FileExists,
    Forbidden,
    InvalidDocument,
    InvalidName,
    InvalidUpload,
    KeyExists,
    KeyNotFound,
)
from wheelyard.index.catalogue import Catalogue
from wheelyard.protocol.model import File, Project
from wheelyard.protocol.names import ProjectName, project_name
from wheelyard.protocol.simple import parse_project, project_json
from wheelyard.publish.archive import Distribution, inspect
from wheelyard.publish.form import UploadForm, read_form
from wheelyard.publish.listing import other_sdist, parsed, same_file, with_file
from wheelyard.storage import keys
from wheelyard.storage.editing import edit_object
from wheelyard.storage.staging import StagedFile
from wheelyard.storage.store import Store, Stored

_KINDS = {"wheel": "bdist_wheel", "sdist": "sdist"}


class Published(NamedTuple):
    """What became of an upload."""

    project: ProjectName
    filename: str
    created: bool
    """False where the very same file was there before."""


class Publisher:
    """Takes uploads into a store."""

    def __init__(self, store: Store, catalogue: Catalogue, max_size: int) -> None:
        """``max_size`` is the largest file taken, in bytes."""
        self._store = store
        self._catalogue = catalogue
        self._max_size = max_size

    def publish(self, content_type: str | None, body: Iterable[bytes]) -> Published:
        """Take one legacy upload form; when this returns, the file is listed.

        Raises what ``read_form`` and ``inspect`` raise, ``InvalidUpload`` where form and archive
        contradict each other, ``FileExists`` and ``Forbidden``.
        """
        with StagedFile(self._store.staging()) as staged:
            form = read_form(content_type, body, staged, self._max_size)
            distribution = inspect(form.path, form.filename)
            _check_agreement(form, distribution)
            return self._publish(form, distribution)

    def _publish(self, form: UploadForm, distribution: Distribution) -> Published:
        name = distribution.project
        self._check_project(form, distribution)
        created = self._create(name, form)
        with suppress(KeyExists):  # made by an upload that this one repeats
            self._store.create(keys.metadata(name, form.filename), distribution.metadata_bytes)
        file = self._listing(name, form, distribution)
        edit_object(self._store, keys.project(name), lambda stored: _listed(name, stored, file))
        self._catalogue.add(name)
        return Published(name, form.filename, created)

    def _check_project(self, form: UploadForm, distribution: Distribution) -> None:
        """Refuse what the project's document already rules out, before anything is stored."""
        try:
            project = parse_project(self._store.get(keys.project(distribution.project)).body)
        except KeyNotFound:
            return
        if project.status in ("archived", "quarantined"):
            raise Forbidden(
                f"project {project.name!r} is {project.status} and takes no uploads"
                + (f": {project.status_reason}" if project.status_reason else "")
            )
        _check_rivals(project, form.filename, form.digests.sha256)

    def _create(self, name: ProjectName, form: UploadForm) -> bool:
        key = keys.package(name, form.filename)
        try:
            self._store.create_from(key, form.path)
        except KeyExists:
            if self._sha256(key) != form.digests.sha256:
                raise FileExists(_exists(form.filename)) from None
            return False
        return True

    def _sha256(self, key: str) -> str:
        digest = hashlib.sha256()
        for chunk in self._store.read(key):
            digest.update(chunk)
        return digest.hexdigest()

    def _listing(self, name: ProjectName, form: UploadForm, distribution: Distribution) -> File:
        metadata_digest = hashlib.sha256(distribution.metadata_bytes).hexdigest()
        # The store's own time, so that a rebuild from what is stored gives the same document.
        stored_at = self._store.head(keys.package(name, form.filename)).modified.astimezone(UTC)
        return File(
            filename=form.filename,
            url=form.filename,
            hashes={"sha256": form.digests.sha256},
            requires_python=distribution.metadata.requires_python or None,
            # An sdist's may be dynamic, and clients would take it for the wheel's to be (PEP 658).
            core_metadata={"sha256": metadata_digest} if distribution.kind == "wheel" else None,
            size=form.size,
            upload_time=stored_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        )


def _listed(name: ProjectName, stored: Stored | None, file: File) -> bytes | None:
    """The project's document with ``file`` in it; None where it is already."""
    project = Project(name) if stored is None else parse_project(stored.body)
    if project.name != name:
        raise InvalidDocument(f"the document of {name!r} calls itself {project.name!r}")
    if any(known.filename == file.filename for known in project.files):
        return None
    _check_rivals(project, file.filename, file.hashes["sha256"])
    return project_json(with_file(project, file))


def _check_rivals(project: Project, filename: str, sha256: str) -> None:
    """Raises ``FileExists`` where the project has another file that this one cannot stand beside."""
    name = parsed(filename)
    if name is None:
        return
    known = same_file(project, name)
    if known is not None and (known.filename != filename or known.hashes.get("sha256") != sha256):
        raise FileExists(_exists(known.filename))
    rival = other_sdist(project, name) if name.kind == "sdist" else None
    if rival is not None:
        raise FileExists(
            f"File already exists: release {name.version} of {project.name!r} has the source "
            f"distribution {rival.filename!r}; a release can have one"
        )


def _exists(filename: str) -> str:
    return (
        f"File already exists: {filename!r} was published with other content. Published files never "
        "change: raise the version and upload that"
    )


def _check_agreement(form: UploadForm, distribution: Distribution) -> None:
    """Raises ``InvalidUpload`` where the form says something else than the archive."""
    try:
        name, version = project_name(form.name), Version(form.version)
    except (InvalidName, InvalidVersion) as error:
        raise InvalidUpload(f"the form's name or version is invalid: {error}") from error
    if name != distribution.project:
        raise InvalidUpload(
            f"the form says 'name' {form.name!r}, but the file is of project {distribution.project!r}"
        )
    if version != distribution.version:
        raise InvalidUpload(
            f"the form says 'version' {form.version!r}, but the file is of version "
            f"'{distribution.version}'"
        )
    if _KINDS.get(distribution.kind, form.filetype) != form.filetype:
        raise InvalidUpload(
            f"the form says 'filetype' {form.filetype!r}, but the file is a {distribution.kind}"
        )
