"""Publishing by the legacy form: a form becomes a checked distribution, which is stored and listed."""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from packaging.version import InvalidVersion, Version

from wheelyard.audit.event import AuditedFile, Change
from wheelyard.audit.recorder import Recorder, unrecorded
from wheelyard.errors import InvalidName, InvalidUpload
from wheelyard.protocol.names import ProjectName, project_name
from wheelyard.publish.archive import Distribution, inspect
from wheelyard.publish.attestations import read_provenance
from wheelyard.publish.form import UploadForm, read_form
from wheelyard.publish.incoming import Incoming, LocalFile
from wheelyard.publish.shelf import Shelf
from wheelyard.storage import keys
from wheelyard.storage.staging import StagedFile

_FILETYPES = {"wheel": "bdist_wheel", "sdist": "sdist", "egg": "bdist_egg"}


class Published(NamedTuple):
    """What became of an upload."""

    project: ProjectName
    filename: str
    created: bool
    """False where the very same file was there before."""


class Publisher:
    """Takes upload forms onto a shelf."""

    def __init__(self, shelf: Shelf, record: Recorder = unrecorded) -> None:
        """``record`` has what is published in the audit trail."""
        self._shelf = shelf
        self._record = record

    def publish(
        self,
        content_type: str | None,
        body: Iterable[bytes],
        publisher: Mapping[str, object] | None = None,
        *,
        permit: Callable[[ProjectName], None] | None = None,
    ) -> Published:
        """Take one legacy upload form; when this returns, the file is listed.

        ``publisher`` is what the file's provenance says of the uploader (PEP 740). ``permit`` raises
        ``Forbidden`` for a project that the uploader may not change. Raises what
        ``read_form``, ``inspect`` and ``read_provenance`` raise, ``InvalidUpload`` where form and archive
        contradict each other, ``FileExists`` and ``Forbidden``.
        """
        rules = self._shelf.rules
        with StagedFile(self._shelf.store.staging()) as staged:
            form = read_form(
                content_type, body, staged, rules.max_size, legacy_formats=rules.legacy_formats
            )
            distribution = inspect(form.path, form.filename, legacy_formats=rules.legacy_formats)
            _check_agreement(form, distribution)
            if permit is not None:
                permit(distribution.project)
            return self._publish(_incoming(form, distribution, publisher), LocalFile(form.path))

    def _publish(self, incoming: Incoming, source: LocalFile) -> Published:
        name, filename = incoming.project, incoming.filename
        if self._shelf.check(incoming):
            # The catalogue comes last: whoever listed the file may have died before it.
            self._shelf.catalogue.add(name)
            return Published(name, filename, created=False)
        change = Change(
            "upload",
            name,
            (AuditedFile(filename, incoming.sha256),),
            {"version": str(incoming.distribution.version), "size": incoming.size},
        )
        with self._record(change):
            placed = self._shelf.place(incoming, source)
            self._shelf.list(name, [placed])
            if not self._shelf.store.exists(keys.package(name, filename)):
                # A session that promised it, and failed, took it for its own before it was listed here.
                self._shelf.place(incoming, source)
        return Published(name, filename, placed.created)


def _incoming(
    form: UploadForm, distribution: Distribution, publisher: Mapping[str, object] | None
) -> Incoming:
    provenance = None
    if form.attestations:
        named = {} if publisher is None else {"publisher": publisher}
        provenance = read_provenance(form.attestations, form.filename, form.digests.sha256, **named)
    return Incoming(distribution, form.size, form.digests.sha256, form.signature, provenance)


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
    if _FILETYPES[distribution.kind] != form.filetype:
        raise InvalidUpload(
            f"the form says 'filetype' {form.filetype!r}, but the file is a {distribution.kind}"
        )
