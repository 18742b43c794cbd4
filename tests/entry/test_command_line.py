"""entry.cli: what every command has in common."""

import subprocess
import sys
from pathlib import Path

import pytest

import running


def wheelyard(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command line in an empty folder, with nothing on its standard input."""
    return subprocess.run(
        [sys.executable, "-m", "wheelyard", *arguments],
        cwd=folder,
        env=running.environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["frob"], "frob"),
        (["serve", "--port", "x"], "--port"),
        (["user", "put"], "NAME"),
        (["user", "put", "alice"], "--password-stdin"),
        (["user", "put", "alice", "--random-password", "3"], "--random-password"),
        (["user", "remove", "alice"], "alice"),
        (["user", "list", "--store", "ftp://x/y"], "ftp://x/y"),
        (["reindex", "--upstream", "http://127.0.0.1:1/simple"], "upstream"),
    ],
)
def test_an_error_is_one_line(tmp_path: Path, arguments: list[str], named: str) -> None:
    """Whatever is wrong, one line of standard error says what, and the exit status tells."""
    (tmp_path / ".wheelyard").mkdir()
    done = wheelyard(tmp_path, *arguments)
    assert done.returncode != 0
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("wheelyard: error: ")
    assert named in line
