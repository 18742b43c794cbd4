"""Which filenames on an upstream page are files of the project."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelyard.mirror.filenames import version_of
from wheelyard.protocol.names import project_name


@pytest.mark.parametrize(
    ("filename", "project", "version"),
    [
        ("demo-1.0-py3-none-any.whl", "demo", "1.0"),
        ("Demo.Pkg-1.0-1build-py3-none-any.whl", "demo-pkg", "1.0"),
        ("demo-1.0-build-py3-none-any.whl", "demo", None),
        ("demo-1.0-py2.py3-none-any.whl", "demo", "1.0"),
        ("demo-1.0+local.1-py3-none-any.whl", "demo", "1.0+local.1"),
        ("demo-1.0-py3-none.whl", "demo", None),
        ("demo--py3-none-any.whl", "demo", None),
        ("other-1.0-py3-none-any.whl", "demo", None),
        ("demo-latest-py3-none-any.whl", "demo", None),
        ("demo-1.0.tar.gz", "demo", "1.0"),
        ("demo-1.0.zip", "demo", "1.0"),
        ("demo-1.0.tgz", "demo", "1.0"),
        ("demo-1.0.tar.bz2", "demo", "1.0"),
        ("Demo-Pkg-1.0.tar.gz", "demo-pkg", "1.0"),
        ("demo-pkg-1.0.tar.gz", "demo", None),
        ("demo-2-1.0.tar.gz", "demo-2", "1.0"),
        ("demo-1.0-1.tar.gz", "demo", "1.0.post1"),
        ("demo-1.0.tar.gz", "demo-1.0", None),
        ("demo.tar.gz", "demo", None),
        ("demo-1.0-py2.7.egg", "demo", "1.0"),
        ("demo-1.0-py2.7-linux-x86_64.egg", "demo", "1.0"),
        ("demo-1.0-2.7.egg", "demo", None),
        ("demo-1.0.exe", "demo", None),
        ("demo-1.0.whl", "demo", None),
        ("../demo-1.0.tar.gz", "demo", None),
        ("demo-1.0.tar.gz\n", "demo", None),
        ("démo-1.0.tar.gz", "demo", None),
        (".whl", "demo", None),
        ("", "demo", None),
    ],
)
def test_versions(filename: str, project: str, version: str | None) -> None:
    """The version of a file of the project, None for everything else."""
    assert version_of(filename, project_name(project)) == version


@given(st.text(max_size=300), st.sampled_from(["", ".whl", ".tar.gz", ".egg"]))
def test_anything(stem: str, ending: str) -> None:
    """No filename breaks it, and what passes can stand in a key and a link as it is."""
    filename = stem + ending
    if version_of(filename, project_name("demo")) is not None:
        assert filename.isascii()
        assert not set(filename) & set("/\\?#%: \n\0")
        assert not filename.startswith(".")
