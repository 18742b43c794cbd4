"""Wheels and sdists whose core metadata is wrong."""

from distributions import (
    core_metadata,
    pack_tar,
    pack_zip,
    sdist_members,
    wheel_filename,
    wheel_members,
)
from hostile.case import Hostile
from wheelyard.errors import InvalidArchive, InvalidMetadata, WheelyardError

_HEAD = "Metadata-Version: 2.4\nName: demo\nVersion: 1.0\n"


def _wheel(
    what: str, document: str | bytes, says: str, error: type[WheelyardError] = InvalidMetadata
) -> Hostile:
    raw = document.encode() if isinstance(document, str) else document
    content = pack_zip(wheel_members("demo", "1.0", metadata=raw))
    return Hostile(what, wheel_filename("demo", "1.0"), content, says, error)


def _field(what: str, line: str, says: str) -> Hostile:
    return _wheel(what, f"{_HEAD}{line}\n", says)


def _sdist(
    what: str, document: bytes, says: str, error: type[WheelyardError] = InvalidArchive
) -> Hostile:
    content = pack_tar(sdist_members("demo", "1.0", metadata=document))
    return Hostile(what, "demo-1.0.tar.gz", content, says, error)


DOCUMENTS = (
    _wheel("an empty METADATA", "\n", "Metadata-Version: "),
    _wheel("no Name", "Metadata-Version: 2.4\nVersion: 1.0\n", "Name: 'name' is a required field"),
    _wheel("no Version", "Metadata-Version: 2.4\nName: demo\n", "Version: 'version' is a required"),
    _wheel("a METADATA that is JSON", '{"name": "demo"}', "Name: 'name' is a required field"),
    _wheel(
        "Metadata-Version 2.0",
        core_metadata("demo", "1.0", metadata_version="2.0"),
        "Metadata-Version: '2.0' is not a valid metadata version; use one from '1.0' to '2.6'",
    ),
    _wheel(
        "Metadata-Version 2.7", core_metadata("demo", "1.0", metadata_version="2.7"), "'2.7' is not"
    ),
    _wheel(
        "another Name than the filename's",
        core_metadata("other", "1.0"),
        "is named for 'demo', but its metadata says Name: 'other'",
        InvalidArchive,
    ),
    _wheel(
        "another Version than the filename's",
        core_metadata("demo", "1.0.1"),
        "is named for version '1.0', but its metadata says Version: '1.0.1'",
        InvalidArchive,
    ),
    _wheel("an impossible Name", core_metadata("-demo-", "1.0"), "Name: '-demo-' is invalid"),
    _wheel(
        "a Version that is none",
        core_metadata("demo", "1.0").replace(b"Version: 1.0", b"Version: latest"),
        "Version: 'latest' is invalid",
    ),
    _wheel(
        "a Version of 5,000 digits",
        f"Metadata-Version: 2.4\nName: demo\nVersion: {'1' * 5000}\n",
        "is too long",
    ),
    _field("a second Name", "Name: other", "Name: ['demo', 'other'] cannot be read"),
    _field(
        "a Requires-Python that is none",
        "Requires-Python: 3 or so",
        "Requires-Python: '3 or so' is invalid for 'requires-python'",
    ),
    _field(
        "a Requires-Dist that is none",
        "Requires-Dist: requests>>2",
        "Requires-Dist: 'requests>>2' is invalid for 'requires-dist'",
    ),
    _field(
        "an impossible marker",
        "Requires-Dist: x; python_version",
        "use requirements as PEP 508 defines them",
    ),
    _field(
        "a marker 5,000 parentheses deep",
        "Requires-Dist: x; " + "(" * 5000,
        "is too long or nests too deeply",
    ),
    _field("a licence 5,000 parentheses deep", "License-Expression: " + "(" * 5000, "too deeply"),
    _field("a licence that is none", "License-Expression: free", "like 'MIT OR Apache-2.0'"),
    _field(
        "a content type that is none",
        "Description-Content-Type: text/html",
        "use 'text/plain', 'text/x-rst' or 'text/markdown'",
    ),
    _field("an unknown Dynamic field", "Dynamic: colour", "Dynamic: 'colour' is not a valid"),
    _field("a Dynamic Name", "Dynamic: Name", "'name' is not allowed as a dynamic field"),
    _field("an impossible extra", "Provides-Extra: a b", "Provides-Extra: 'a b' is invalid"),
    _field("a Summary of two lines", "Summary: one\n  two", "Summary: 'summary' must be a single"),
    _field("nested messages", "Content-Type: message/rfc822", "Content-Type: is not allowed"),
    _field("an encoded body", "Content-Transfer-Encoding: base64", "Encoding: is not allowed"),
    _wheel("a Summary not in UTF-8", _HEAD.encode() + b"Summary: \xff\n", "Summary: "),
    _wheel("a description not in UTF-8", _HEAD.encode() + b"\n\xff\n", "Description: "),
    _wheel(
        "1,000 different fields",
        _HEAD + "".join(f"X-{number}: 1\n" for number in range(1000)),
        "more than 300 different ones",
    ),
    _wheel(
        "30,000 fields",
        _HEAD + "Requires-Dist: x\n" * 30_000,
        "more than 20,000 fields",
    ),
    _field(
        "several problems at once",
        "Requires-Python: old\nRequires-Dist: !",
        "Requires-Dist: '!' is invalid",
    ),
    _wheel(
        "a License-File that is not there",
        f"{_HEAD}License-File: LICENSE\n",
        "its License-File 'LICENSE' is not at 'demo-1.0.dist-info/licenses/LICENSE'",
        InvalidArchive,
    ),
    _field("a License-File elsewhere", "License-File: ../LICENSE", "License-File: '../LICENSE'"),
    _sdist(
        "an sdist with another Name",
        core_metadata("other", "1.0"),
        "is named for 'demo', but its metadata says Name: 'other'",
    ),
    _sdist(
        "an sdist without its License-File",
        f"{_HEAD}License-File: COPYING\n".encode(),
        "its License-File 'COPYING' is not at 'demo-1.0/COPYING'",
    ),
    _sdist(
        "an sdist with a Requires-Dist that is none",
        f"{_HEAD}Requires-Dist: @\n".encode(),
        "Requires-Dist: '@' is invalid",
        InvalidMetadata,
    ),
)
