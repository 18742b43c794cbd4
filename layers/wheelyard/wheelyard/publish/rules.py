"""What may be published, beyond a file being sound: rules over the project's document. Pure."""

from typing import TYPE_CHECKING, NamedTuple

from wheelyard.errors import FileExists, Forbidden
from wheelyard.protocol.model import File, Project
from wheelyard.publish.listing import other_sdist, parsed, same_file
from wheelyard.settings import Settings

if TYPE_CHECKING:
    from packaging.version import Version


class Rules(NamedTuple):
    """The settings that decide what is taken.

    ``max_size``        bytes of the largest file
    ``overwrite``       a published file may be replaced by another one under the same name
    ``reuse_deleted``   the filename of a deleted file may be used again
    ``legacy_formats``  eggs, ``.tar.bz2``, ``.tar.xz`` and old spellings of filenames are taken
    """

    max_size: int
    overwrite: bool = False
    reuse_deleted: bool = False
    legacy_formats: bool = False

    @classmethod
    def of(cls, settings: Settings) -> "Rules":
        """The rules that the settings make."""
        return cls(
            max_size=settings.max_file_size,
            overwrite=settings.overwrite,
            reuse_deleted=settings.reuse_deleted,
            legacy_formats=settings.legacy_formats,
        )


def check_open(project: Project) -> None:
    """Raises ``Forbidden`` for a project whose status refuses uploads (PEP 792)."""
    if project.status in ("archived", "quarantined"):
        raise Forbidden(
            f"project {project.name!r} is {project.status} and takes no uploads"
            + (f": {project.status_reason[:500]}" if project.status_reason else "")
        )


def check_rivals(project: Project, filename: str, sha256: str, *, overwrite: bool) -> None:
    """Raises ``FileExists`` where the project has a file that this one cannot stand beside.

    That is one with other content under the same name, one whose name means the same, and another
    source distribution of the release. ``overwrite`` allows the first.
    """
    name = parsed(filename)
    if name is None:
        return
    known = same_file(project, name)
    if known is not None and known.filename != filename:
        raise FileExists(
            f"File already exists: {known.filename!r} is the same file as {filename!r} in another "
            "spelling: upload it under that name, or raise the version"
        )
    if known is not None and known.hashes.get("sha256") != sha256 and not overwrite:
        raise FileExists(exists(filename))
    rival = other_sdist(project, name) if name.kind == "sdist" else None
    if rival is not None:
        raise FileExists(
            f"File already exists: release {name.version} of {project.name!r} has the source "
            f"distribution {rival.filename!r}; a release can have one"
        )


class Released:
    """Files of one project that can stand beside one another, taken one by one."""

    def __init__(self) -> None:
        self.files: list[File] = []
        self._names: dict[str, str] = {}
        self._sdists: dict[Version, str] = {}

    def add(self, file: File) -> None:
        """Take a file. Raises ``FileExists`` as ``check_rivals`` does."""
        self.claim(file.filename)
        self.files.append(file)

    def claim(self, filename: str) -> None:
        """Take a filename only. Raises ``FileExists`` as ``check_rivals`` does."""
        name = parsed(filename)
        if name is None:
            return
        rival = self._names.setdefault(name.canonical, filename)
        if rival == filename and name.kind == "sdist":
            rival = self._sdists.setdefault(name.version, filename)
        if rival != filename:
            raise FileExists(
                f"{filename!r} cannot stand beside {rival!r}, which is the same file in another "
                "spelling or the release's source distribution: remove one of them"
            )


def exists(filename: str) -> str:
    """What to tell somebody whose file has other content than the published one."""
    return (
        f"File already exists: {filename!r} was published with other content. Published files never "
        "change: raise the version and upload that"
    )
