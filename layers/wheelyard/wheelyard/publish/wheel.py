"""Wheels: that the parts which must be there are, and that they agree.

https://packaging.python.org/en/latest/specifications/binary-distribution-format/
"""

import email.message
import email.parser
import re
from typing import BinaryIO

from packaging.tags import InvalidTag, Tag, parse_tag
from packaging.utils import parse_wheel_filename

from wheelyard.errors import InvalidArchive
from wheelyard.protocol.filenames import Filename
from wheelyard.publish.contents import MOST_METADATA, Contents
from wheelyard.publish.folders import names_release
from wheelyard.publish.members import shown
from wheelyard.publish.record import check_content, parse_record
from wheelyard.publish.ziparchive import ZipArchive

_MOST_RECORD = 32 * 1024 * 1024
_MOST_WHEEL = 256 * 1024
_SIGNATURES = ("RECORD.jws", "RECORD.p7s")
# A compressed tag set is a product of three.
_MOST_TAGS, _MOST_DOTS = 1000, 20
_VERSION = re.compile(r"1\.\d{1,3}")


def check_wheel(file: BinaryIO, filename: str, parsed: Filename) -> Contents:
    """Check a wheel whole, streaming every file through its digest.

    Raises ``InvalidArchive`` naming the member and what would be right.
    """
    archive = ZipArchive(file)
    info = _dist_info(archive, parsed)
    metadata = archive.read(f"{info}/METADATA", MOST_METADATA)
    _check_wheel_file(archive.read(f"{info}/WHEEL", _MOST_WHEEL), filename)
    _check_record(archive, info)
    return Contents(metadata, archive.members.files, f"{info}/licenses")


def _dist_info(archive: ZipArchive, parsed: Filename) -> str:
    tops = {path.partition("/")[0] for path in archive.members.paths()}
    found = sorted(top for top in tops if top.endswith(".dist-info"))
    if len(found) != 1:
        raise InvalidArchive(
            f"it has {len(found)} '.dist-info' folders ({shown(', '.join(found))}), a wheel has one: "
            "build it with a current build tool"
        )
    if not names_release(found[0].removesuffix(".dist-info"), parsed):
        raise InvalidArchive(
            f"its folder {shown(found[0])} is for another release than the filename's "
            f"{parsed.project} {parsed.version}: build the wheel again instead of renaming it"
        )
    return found[0]


def _check_wheel_file(raw: bytes, filename: str) -> None:
    fields = email.parser.BytesHeaderParser().parsebytes(raw)
    versions = _values(fields, "Wheel-Version")
    if len(versions) != 1 or not _VERSION.fullmatch(versions[0]):
        raise InvalidArchive(
            f"WHEEL: Wheel-Version is {shown(', '.join(versions))}: it should be '1.0', once"
        )
    _, _, build, tags = parse_wheel_filename(filename)
    written = _tags(_values(fields, "Tag"))
    if _families(written).isdisjoint(_families(tags)):
        raise InvalidArchive(
            f"WHEEL: its Tag lines give {_sorted(written)}, the filename {_sorted(tags)}: retag the "
            "wheel with 'wheel tags' instead of renaming it"
        )
    numbers = _values(fields, "Build")
    if numbers and numbers != [f"{build[0]}{build[1]}" if build else ""]:
        raise InvalidArchive(
            f"WHEEL: its Build is {shown(', '.join(numbers))}, the filename's is {build!r}: "
            "retag the wheel with 'wheel tags' instead of renaming it"
        )


def _values(fields: email.message.Message, name: str) -> list[str]:
    return [str(value).strip() for value in fields.get_all(name, [])]


def _tags(values: list[str]) -> frozenset[Tag]:
    if len(values) > _MOST_TAGS or any(value.count(".") > _MOST_DOTS for value in values):
        raise InvalidArchive("WHEEL: it has too many tags: give each 'python-abi-platform' once")
    try:
        return frozenset(tag for value in values for tag in parse_tag(value))
    except (InvalidTag, ValueError) as e:
        raise InvalidArchive(
            f"WHEEL: a Tag among {shown(', '.join(values))} is not like 'py3-none-any': "
            "build the wheel with a current build tool"
        ) from e


def _families(tags: frozenset[Tag]) -> set[tuple[str, str, bool]]:
    """What must agree in part. Well-known projects rename linux to manylinux, or add a Python version."""
    return {(tag.interpreter, tag.abi, tag.platform == "any") for tag in tags}


def _sorted(tags: frozenset[Tag]) -> str:
    return shown(", ".join(sorted(map(str, tags))))


def _check_record(archive: ZipArchive, info: str) -> None:
    record = f"{info}/RECORD"
    unhashed = {record, *(f"{info}/{name}" for name in _SIGNATURES)}
    lines = parse_record(archive.read(record, _MOST_RECORD), unhashed)
    if absent := sorted(lines.keys() - archive.entries.keys() - archive.members.directories):
        raise InvalidArchive(
            f"RECORD lists {shown(absent[0])}, which is not in the wheel: build it again"
        )
    if unlisted := sorted(archive.entries.keys() - lines.keys() - unhashed):
        raise InvalidArchive(f"RECORD does not list {shown(unlisted[0])}: build the wheel again")
    for path in archive.entries:
        if line := lines.get(path):
            check_content(path, archive.stream(path), line)
        else:
            archive.verify(path)
