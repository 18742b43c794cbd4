"""The files of other tools: one thing is set, and nothing else is touched, however often."""

import configparser
import netrc
import stat
from pathlib import Path

import pytest

from wheelyard.client.inifile import value_of, with_value, without_value
from wheelyard.client.netrcfile import with_machine, without_machine
from wheelyard.client.textfile import edit_file
from wheelyard.errors import NotPossible

PIP = """\
# what we use
[global]
timeout = 60
index-url = https://old.example/simple/
    ; an old comment is a part of the value
extra-index-url =
    https://one.example/simple/
    https://two.example/simple/

[install]
Index-URL: https://other.example/simple/
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "[global]\nindex-url = NEW\n"),
        ("[install]\nuser = no\n", "[install]\nuser = no\n\n[global]\nindex-url = NEW\n"),
        ("[global]\n", "[global]\nindex-url = NEW\n"),
        (
            "[global]\ntimeout = 60\n\n[install]\n",
            "[global]\ntimeout = 60\nindex-url = NEW\n\n[install]\n",
        ),
        ("[global]\nindex-url=x", "[global]\nindex-url = NEW\n"),
        ("[global]\nINDEX-URL : x\n", "[global]\nindex-url = NEW\n"),
        ("[global]\n#index-url = x\n", "[global]\n#index-url = x\nindex-url = NEW\n"),
        ("[global]\nindex-url = x\n  y\nz = 1\n", "[global]\nindex-url = NEW\nz = 1\n"),
    ],
)
def test_ini(text: str, expected: str) -> None:
    """A value is set in its place or at the end of its section, and doing it again changes nothing."""
    changed = with_value(text, "global", "index-url", "NEW")
    assert changed == expected
    assert with_value(changed, "global", "index-url", "NEW") == changed
    parser = configparser.RawConfigParser()
    parser.read_string(changed)
    assert parser["global"]["index-url"] == value_of(changed, "global", "index-url") == "NEW"


def test_ini_keeps_the_rest() -> None:
    """Comments, other sections, and values of many lines stay as they were."""
    changed = with_value(PIP, "global", "index-url", "NEW")
    before, after = PIP.splitlines(), changed.splitlines()
    assert [line for line in before if line not in after] == before[3:5]
    assert [line for line in after if line not in before] == ["index-url = NEW"]
    assert value_of(changed, "global", "extra-index-url") == (
        "https://one.example/simple/\nhttps://two.example/simple/"
    )


def test_ini_lists() -> None:
    """A value of many lines is written as both readers take it, and can be taken away."""
    text = with_value("", "distutils", "index-servers", "\none\ntwo")
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    assert parser["distutils"]["index-servers"].split() == ["one", "two"]
    assert without_value(text + "x = 1\n", "distutils", "index-servers") == "[distutils]\nx = 1\n"
    assert without_value(text, "other", "x") == without_value(text, "distutils", "x") == text


MINE = "machine index.example\nlogin __token__\npassword new\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", MINE),
        ("machine a login b password c\n", "machine a login b password c\n" + MINE),
        ("machine index.example login x password y\n", MINE),
        (
            "machine index.example\n  login x\n  password y\n\n#next\nmachine a\nlogin b\n",
            MINE + "\n#next\nmachine a\nlogin b\n",
        ),
        ("default login x password y\n", MINE + "default login x password y\n"),
        ("machine index.example.org\nlogin x\n", "machine index.example.org\nlogin x\n" + MINE),
    ],
)
def test_netrc(text: str, expected: str, tmp_path: Path) -> None:
    """An entry is put in place of the host's own or before the default, and not twice."""
    changed = with_machine(text, "index.example", "__token__", "new")
    assert changed == expected
    assert with_machine(changed, "index.example", "__token__", "new") == changed
    file = tmp_path / "netrc"
    file.write_text(changed)
    assert netrc.netrc(str(file)).authenticators("index.example") == ("__token__", "", "new")


def test_netrc_without() -> None:
    """The entry of a token is taken out, one of a person is not."""
    others = "machine a login b password c\n"
    assert without_machine(others + MINE, "index.example", "__token__") == others
    own = "machine index.example login alice password c\n"
    assert without_machine(own, "index.example", "__token__") == own


def test_new_files_are_private(tmp_path: Path) -> None:
    """A file that was not there can be read by its owner alone."""
    file = tmp_path / "folder/file"
    assert edit_file(file, lambda text: text + "x")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_modes(tmp_path: Path) -> None:
    """A file keeps its mode, but one that takes a secret is closed to others first."""
    file = tmp_path / "file"
    file.write_text("x")
    file.chmod(0o644)
    assert edit_file(file, lambda text: text + "y")
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert edit_file(file, lambda text: text, private=True)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not edit_file(file, lambda text: text, private=True)


def test_links(tmp_path: Path) -> None:
    """Where the file is a link to another place, that is changed, and the link stays."""
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("x")
    link.symlink_to(real)
    edit_file(link, lambda text: text + "y")
    assert link.is_symlink()
    assert real.read_text() == "xy"


def test_failure(tmp_path: Path) -> None:
    """What cannot be changed is named, and nothing is left behind."""
    file = tmp_path / "file"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(NotPossible, match="file"):
        edit_file(file, lambda text: text + "y")

    def fail(text: str) -> str:
        raise NotPossible(f"not with {text!r}")

    file.write_text("x")
    with pytest.raises(NotPossible, match="not with"):
        edit_file(file, fail)
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
    assert file.read_text() == "x"
