"""Core metadata, strictly for what is uploaded and leniently for what is stored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distributions import core_metadata
from wheelyard.errors import InvalidMetadata
from wheelyard.protocol.metadata import parse_metadata, read_metadata

FULL = """\
Metadata-Version: 2.6
Name: Acme.Tools
Version: 1.0.0
Summary: Tools of Acmé
Description-Content-Type: text/markdown; variant=GFM
Keywords: a, b
Home-page: https://home.example
Download-URL: https://home.example/get
Author: Åsa
Author-email: asa@home.example
Maintainer: Bo
Maintainer-email: bo@home.example
License-Expression: MIT
License-File: LICENSE
Classifier: Programming Language :: Python
Classifier: Typing :: Typed
Platform: any
Requires-Python: >=3.11,<4
Requires-Dist: requests>=2; extra == "net"
Requires-Dist: lib @ https://home.example/lib.zip
Provides-Extra: net
Project-URL: Docs, https://home.example/docs
Import-Name: acme
Dynamic: license-file

# Acmé
"""


def test_every_field_is_read() -> None:
    """All fields that the JSON API gives are read as they were written."""
    metadata = parse_metadata(FULL.encode())
    assert metadata._asdict() == {
        "metadata_version": "2.6",
        "name": "Acme.Tools",
        "version": "1.0.0",
        "summary": "Tools of Acmé",
        "description": "# Acmé\n",
        "description_content_type": "text/markdown; variant=GFM",
        "keywords": ("a", "b"),
        "home_page": "https://home.example",
        "download_url": "https://home.example/get",
        "author": "Åsa",
        "author_email": "asa@home.example",
        "maintainer": "Bo",
        "maintainer_email": "bo@home.example",
        "license": "",
        "license_expression": "MIT",
        "license_files": ("LICENSE",),
        "classifiers": ("Programming Language :: Python", "Typing :: Typed"),
        "platforms": ("any",),
        "requires_python": ">=3.11,<4",
        "requires_dist": ('requests>=2; extra == "net"', "lib @ https://home.example/lib.zip"),
        "provides_extra": ("net",),
        "project_urls": {"Docs": "https://home.example/docs"},
        "dynamic": ("license-file",),
    }


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6"])
def test_every_version_of_the_metadata_is_read(version: str) -> None:
    """Metadata versions 1.0 to 2.6 are accepted, with fields that they did not have yet."""
    raw = core_metadata("acme", "1", ">=3.9", ["six"], metadata_version=version)
    assert parse_metadata(raw).requires_dist == ("six",)


@pytest.mark.parametrize("extra", ["Favourite-Colour: blue\n", "Platform: UNKNOWN\n"])
def test_unknown_fields_are_ignored(extra: str) -> None:
    """A field that the specification does not know does not stop an upload."""
    assert parse_metadata(core_metadata("acme", "1", extra=extra)).name == "acme"


def test_licence_files_count_only_since_they_are_standard() -> None:
    """License-File before version 2.4 is setuptools' own, with paths of its own, and left out."""
    raw = core_metadata("acme", "1", extra="License-File: LICENSE\n", metadata_version="2.1")
    assert parse_metadata(raw).license_files == ()


def test_all_problems_are_named_at_once() -> None:
    """Each wrong field is named with its value and what would be right, in one message."""
    raw = core_metadata("acme", "first", "new", ["x>>1"], "Name: other\n", metadata_version="3.0")
    with pytest.raises(InvalidMetadata) as refusal:
        parse_metadata(raw)
    message = str(refusal.value)
    for part in (
        "Metadata-Version: '3.0'",
        "Name: ['acme', 'other'] cannot be read",
        "Version: 'first' is invalid",
        "Requires-Python: 'new' is invalid",
        "Requires-Dist: 'x>>1' is invalid",
        "use version specifiers, like '>=3.11'",
    ):
        assert part in message


def test_stored_metadata_is_read_whatever_it_says() -> None:
    """What would be refused at upload is still read from the store, field by field."""
    raw = core_metadata("acme", "first", "new", ["x>>1"], metadata_version="9.9")
    metadata = read_metadata(raw)
    assert (metadata.version, metadata.requires_python) == ("first", "new")
    assert metadata.requires_dist == ("x>>1",)


_FIELDS = sorted({line.partition(":")[0] for line in FULL.splitlines() if ": " in line})
_LINES = st.builds("{}: {}".format, st.sampled_from(_FIELDS), st.text(max_size=40))


@given(st.lists(_LINES).map("\n".join) | st.text())
def test_any_text_is_metadata_or_refused(text: str) -> None:
    """Any document is read, or refused as invalid metadata, and nothing else."""
    try:
        parse_metadata(text.encode("utf-8", "surrogatepass"))
    except InvalidMetadata as e:
        refusal = str(e)
    else:
        return
    assert len(refusal) < 10_000


@given(st.binary())
def test_any_bytes_are_metadata_or_refused(raw: bytes) -> None:
    """The same holds for bytes, and for the lenient reading."""
    for read in (parse_metadata, read_metadata):
        try:
            read(raw)
        except InvalidMetadata:
            continue
