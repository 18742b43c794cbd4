"""The demonstration that ``make demo`` shows."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import running
import tools

pytestmark = pytest.mark.xdist_group("clients-publish")


def folders(tmp_path: Path) -> dict[str, str]:
    """Where it puts what it makes, and where it finds the package."""
    return {"TMPDIR": str(tmp_path), "PYTHONPATH": str(running.PACKAGE)}


def demonstrate(environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the demonstration to its end."""
    return subprocess.run(
        [sys.executable, tools.ROOT / "tests/demo.py"],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_demonstration(tmp_path: Path) -> None:
    """It publishes a package, installs and uses it twice, shows no password, and leaves nothing."""
    done = demonstrate(dict(os.environ) | folders(tmp_path))
    assert done.returncode == 0, done.stdout
    steps = [line for line in done.stdout.splitlines() if line[:1].isdigit()]
    assert [line.split()[1] for line in steps] == [
        "Start",
        "Build",
        "Publish",
        "Install",
        "Install",
        "Stop",
    ]
    assert done.stdout.count("     Hello, world!") == 2
    assert "admin:PASSWORD@127.0.0.1" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_demonstration_fails_visibly(tmp_path: Path) -> None:
    """Without its tools it ends with a message and status 1, its server stopped and nothing left."""
    without = {"PATH": str(tmp_path), "WHEELYARD_TOOLS": str(tmp_path)}
    done = demonstrate(without | folders(tmp_path))
    assert done.returncode == 1
    assert "The demonstration failed: 'flit' is not in " in done.stdout
    assert list(tmp_path.iterdir()) == []
