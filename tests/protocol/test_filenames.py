"""Distribution filenames, taken apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from wheelyard.errors import InvalidFilename
from wheelyard.protocol.filenames import parse_filename


@pytest.mark.parametrize(
    ("filename", "project", "version", "kind", "python_tag", "ending"),
    [
        ("demo-1.0-py3-none-any.whl", "demo", "1.0", "wheel", "py3", ".whl"),
        ("a_b-1.0rc1-2-cp311-abi3-win32.whl", "a-b", "1.0rc1", "wheel", "cp311", ".whl"),
        ("demo-1!2.0+l.1-py2.py3-none-any.whl", "demo", "1!2.0+l.1", "wheel", "py2.py3", ".whl"),
        ("demo-1.0.RC1-py3-none-any.whl", "demo", "1.0rc1", "wheel", "py3", ".whl"),
        ("a_b-1.0.tar.gz", "a-b", "1.0", "sdist", "source", ".tar.gz"),
        ("demo-1.0.post1+l.1.zip", "demo", "1.0.post1+l.1", "sdist", "source", ".zip"),
        ("2to3-1.tar.gz", "2to3", "1", "sdist", "source", ".tar.gz"),
    ],
)
def test_a_filename_says_what_the_file_is(
    filename: str, project: str, version: str, kind: str, python_tag: str, ending: str
) -> None:
    """Project, version, kind and tag are read from the names that current tools write."""
    parsed = parse_filename(filename)
    assert parsed[:5] == (project, Version(version), kind, python_tag, ending)


@pytest.mark.parametrize(
    ("filename", "project", "version", "kind"),
    [
        ("Demo.X-1.0-py3-none-any.whl", "demo-x", "1.0", "wheel"),
        ("Demo-X-1.0.tar.gz", "demo-x", "1.0", "sdist"),
        ("demo-1.0.tar.bz2", "demo", "1.0", "sdist"),
        ("demo-1.0.tar.xz", "demo", "1.0", "sdist"),
        ("Demo_X-1.0-py2.7.egg", "demo-x", "1.0", "egg"),
        ("demo-1.0_1-py3.8-linux-x86_64.egg", "demo", "1.0.post1", "egg"),
    ],
)
def test_older_filenames_are_taken_where_they_are_allowed(
    filename: str, project: str, version: str, kind: str
) -> None:
    """Older spellings and formats are refused, unless legacy ones are asked for."""
    parsed = parse_filename(filename, legacy=True)
    assert parsed[:3] == (project, Version(version), kind)
    with pytest.raises(InvalidFilename):
        parse_filename(filename)


@pytest.mark.parametrize(
    "filename",
    [
        "demo-1.0.egg",
        "demo-one-py3.egg",
        "-1.0-py3.egg",
        "demo.tar.bz2",
        "x-1-py3.exe",
        ".egg",
        "-",
    ],
)
def test_what_is_no_filename_is_none_for_legacy_either(filename: str) -> None:
    """Asking for legacy formats does not let anything through."""
    with pytest.raises(InvalidFilename):
        parse_filename(filename, legacy=True)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("demo-1.0.tar.gz", "Demo-1.0.0.tar.gz"),
        ("a_b-1.tar.gz", "a.b-1.0.tar.gz"),
        ("demo-1.0-py3-none-any.whl", "demo-1-py3-none-any.whl"),
        ("demo-1-py2.py3-none-any.whl", "demo-1-py3.py2-none-any.whl"),
        ("demo-1-07-py3-none-any.whl", "demo-1-7-py3-none-any.whl"),
        ("demo-1-py3-none-WIN32.whl", "demo-1-py3-none-win32.whl"),
        ("demo-1.0+A.1.tar.gz", "demo-1.0+a.1.tar.gz"),
    ],
)
def test_spellings_of_one_file_have_one_canonical_form(one: str, other: str) -> None:
    """Filenames that differ only in spelling have the same canonical form."""
    forms = {parse_filename(name, legacy=True).canonical for name in (one, other)}
    assert len(forms) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("demo-1.0.tar.gz", "demo-1.0.zip"),
        ("demo-1.0.tar.gz", "demo-1.0.1.tar.gz"),
        ("demo-1-py3-none-any.whl", "demo-1-1-py3-none-any.whl"),
        ("demo-1-py3-none-any.whl", "demo-1-py2.py3-none-any.whl"),
        ("a_b-1.tar.gz", "ab-1.tar.gz"),
    ],
)
def test_different_files_have_different_canonical_forms(one: str, other: str) -> None:
    """Filenames that mean different files keep apart."""
    assert parse_filename(one).canonical != parse_filename(other).canonical


@given(st.text(max_size=60) | st.from_regex(r"[a-zA-Z0-9._-]{1,40}\.(whl|tar\.gz|zip|egg|tar\.xz)"))
def test_any_text_is_a_filename_or_refused(text: str) -> None:
    """Any text either parses, to a canonical form that parses to itself, or is refused."""
    try:
        parsed = parse_filename(text, legacy=True)
    except InvalidFilename:
        return
    again = parse_filename(parsed.canonical, legacy=True)
    assert again.canonical == parsed.canonical
    assert (again.project, again.version, again.kind) == parsed[:3]
