"""Real wheels and source distributions, built in memory; the same arguments give the same bytes.

``build_wheel`` and ``build_sdist`` make what a build tool would. A test that wants a broken one
takes the members (``wheel_members``, ``sdist_members``), changes them, and packs them with
``pack_zip`` or ``pack_tar``.
"""

import base64
import bz2
import gzip
import hashlib
import io
import lzma
import re
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from packaging.utils import canonicalize_version
from packaging.version import Version

SDIST_ENDINGS = {"gztar": ".tar.gz", "bztar": ".tar.bz2", "xztar": ".tar.xz", "zip": ".zip"}
SdistFormat = Literal["gztar", "bztar", "xztar", "zip"]


class BuiltDistribution(NamedTuple):
    """A distribution file: what it is called and its bytes."""

    filename: str
    content: bytes

    @property
    def sha256(self) -> str:
        """The hex digest that an index page gives for the file."""
        return hashlib.sha256(self.content).hexdigest()


def build_wheel(
    name: str,
    version: str,
    *,
    requires_python: str | None = None,
    requires: Iterable[str] = (),
    files: Mapping[str, bytes] | None = None,
    extra_metadata: str = "",
    tag: str = "py3-none-any",
    build: str = "",
) -> BuiltDistribution:
    """A wheel with an importable package, or with the given ``files`` (path to content).

    ``extra_metadata`` is further METADATA lines, each ended by a newline, before the description.
    """
    metadata = core_metadata(name, version, requires_python, requires, extra_metadata)
    members = wheel_members(name, version, metadata=metadata, files=files, tag=tag, build=build)
    return BuiltDistribution(wheel_filename(name, version, tag, build), pack_zip(members))


def build_sdist(
    name: str,
    version: str,
    *,
    requires_python: str | None = None,
    requires: Iterable[str] = (),
    files: Mapping[str, bytes] | None = None,
    extra_metadata: str = "",
    format: SdistFormat = "gztar",  # noqa: A002 - distutils' word for it
) -> BuiltDistribution:
    """A source distribution with a package, or with the given ``files`` (path to content)."""
    metadata = core_metadata(name, version, requires_python, requires, extra_metadata)
    members = sdist_members(name, version, metadata=metadata, files=files)
    content = pack_zip(members) if format == "zip" else pack_tar(members, format)
    return BuiltDistribution(f"{sdist_root(name, version)}{SDIST_ENDINGS[format]}", content)


def core_metadata(
    name: str,
    version: str,
    requires_python: str | None = None,
    requires: Iterable[str] = (),
    extra: str = "",
    *,
    metadata_version: str = "2.4",
) -> bytes:
    """A METADATA or PKG-INFO document."""
    lines = [f"Metadata-Version: {metadata_version}", f"Name: {name}", f"Version: {version}"]
    lines += [f"Summary: The {name} package"]
    lines += [f"Requires-Python: {requires_python}"] if requires_python else []
    lines += [f"Requires-Dist: {requirement}" for requirement in requires]
    return ("\n".join(lines) + "\n" + extra + f"\nWhat {name} is.\n").encode()


def wheel_members(
    name: str,
    version: str,
    *,
    metadata: bytes | None = None,
    files: Mapping[str, bytes] | None = None,
    tag: str = "py3-none-any",
    build: str = "",
) -> dict[str, bytes]:
    """What a wheel contains, path to content, with a RECORD that is true."""
    members = dict(_package(name, version) if files is None else files)
    info = dist_info(name, version)
    members[f"{info}/METADATA"] = metadata or core_metadata(name, version)
    members[f"{info}/WHEEL"] = wheel_document(tag, build)
    return with_record(members, info)


def wheel_document(tag: str = "py3-none-any", build: str = "") -> bytes:
    """A WHEEL file; a compressed tag (``py2.py3-none-any``) is written out as the format asks."""
    pythons, abis, platforms = (part.split(".") for part in tag.split("-"))
    lines = ["Wheel-Version: 1.0", "Generator: tests", "Root-Is-Purelib: true"]
    lines += [f"Build: {build}"] if build else []
    lines += [f"Tag: {p}-{a}-{m}" for p in pythons for a in abis for m in platforms]
    return ("\n".join(lines) + "\n").encode()


def with_record(members: Mapping[str, bytes], info: str) -> dict[str, bytes]:
    """The members with a RECORD for them in the folder ``info``, last, as wheels have it."""
    record = f"{info}/RECORD"
    others = {path: content for path, content in members.items() if path != record}
    rows = "".join(record_row(path, content) for path, content in others.items())
    return {**others, record: (rows + f"{record},,\n").encode()}


def record_row(path: str, content: bytes, algorithm: str = "sha256") -> str:
    """One line of a RECORD."""
    digest = (
        base64.urlsafe_b64encode(hashlib.new(algorithm, content).digest()).rstrip(b"=").decode()
    )
    quoted = f'"{path}"' if "," in path else path
    return f"{quoted},{algorithm}={digest},{len(content)}\n"


def sdist_members(
    name: str,
    version: str,
    *,
    metadata: bytes | None = None,
    files: Mapping[str, bytes] | None = None,
) -> dict[str, bytes]:
    """What a source distribution contains, path to content."""
    root = sdist_root(name, version)
    members = {f"{root}/PKG-INFO": metadata or core_metadata(name, version)}
    members[f"{root}/pyproject.toml"] = _pyproject(name, version)
    contents = _package(name, version) if files is None else files
    return members | {f"{root}/{path}": content for path, content in contents.items()}


def wheel_filename(name: str, version: str, tag: str = "py3-none-any", build: str = "") -> str:
    """The filename that a build tool gives a wheel."""
    parts = [escaped(name), str(Version(version)), *([build] if build else []), tag]
    return "-".join(parts) + ".whl"


def dist_info(name: str, version: str) -> str:
    """The folder of a wheel's metadata."""
    return f"{escaped(name)}-{Version(version)}.dist-info"


def sdist_root(name: str, version: str) -> str:
    """The one top folder of a source distribution, also its filename without the ending."""
    return f"{escaped(name)}-{canonicalize_version(version, strip_trailing_zero=False)}"


def escaped(name: str) -> str:
    """A project name as filenames have it."""
    return re.sub(r"[-_.]+", "_", name).lower()


def pack_zip(
    members: Mapping[str, bytes] | Iterable[tuple[str | zipfile.ZipInfo, bytes]],
    compression: int = zipfile.ZIP_DEFLATED,
) -> bytes:
    """A ZIP of the members. Pairs may repeat a name or bring an entry."""
    pairs = members.items() if isinstance(members, Mapping) else members
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for entry, content in pairs:
            info = entry if isinstance(entry, zipfile.ZipInfo) else zip_entry(entry)
            archive.writestr(info, content, compress_type=compression)
    return buffer.getvalue()


def zip_entry(path: str, mode: int = 0o100644) -> zipfile.ZipInfo:
    """A ZIP entry with a fixed time and a Unix mode."""
    info = zipfile.ZipInfo(path, (1980, 1, 1, 0, 0, 0))
    info.external_attr = mode << 16
    return info


def pack_tar(
    members: Mapping[str, bytes] | Iterable[tuple[str | tarfile.TarInfo, bytes]],
    format: SdistFormat = "gztar",  # noqa: A002 - distutils' word for it
) -> bytes:
    """A compressed tar of the members. Pairs may repeat a name or bring an entry."""
    return compressed(pack_plain_tar(members), format)


def pack_plain_tar(
    members: Mapping[str, bytes] | Iterable[tuple[str | tarfile.TarInfo, bytes]],
) -> bytes:
    """A tar of the members, not compressed."""
    pairs = members.items() if isinstance(members, Mapping) else members
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for entry, content in pairs:
            info = entry if isinstance(entry, tarfile.TarInfo) else tarfile.TarInfo(entry)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def compressed(content: bytes, format: SdistFormat) -> bytes:  # noqa: A002
    """Bytes compressed as the tar format of that name is."""
    if format == "bztar":
        return bz2.compress(content)
    return lzma.compress(content) if format == "xztar" else gzip.compress(content, mtime=0)


def _package(name: str, version: str) -> dict[str, bytes]:
    return {f"{escaped(name)}/__init__.py": f'__version__ = "{version}"\n'.encode()}


def _pyproject(name: str, version: str) -> bytes:
    build = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
    return f'{build}\n[project]\nname = "{name}"\nversion = "{version}"\n'.encode()
