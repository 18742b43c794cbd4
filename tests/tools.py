"""The command-line tools that the tests run as they are: sam, twine, uv and their like.

The Makefile puts each into an environment of its own and links it into one folder, so that their
dependencies meet neither each other's nor the package's.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from shutil import which

ROOT = Path(__file__).parent.parent
"""The repository."""


def folder() -> Path:
    """Where the tools are: ``WHEELYARD_TOOLS``, or the folder that the Makefile fills."""
    return Path(os.environ.get("WHEELYARD_TOOLS") or ROOT / ".tools/bin").absolute()


def search_path() -> str:
    """``PATH`` with the tools first, then what is installed beside this Python."""
    beside = Path(sys.executable).parent
    return os.pathsep.join([str(folder()), str(beside), os.environ.get("PATH", os.defpath)])


def tool(name: str) -> str:
    """The path of an executable. Raises ``FileNotFoundError``, which says how to get it."""
    found = which(name, path=search_path())
    if found is None:
        raise FileNotFoundError(f"{name!r} is not in {folder()}: run `make test` once")
    return found


def environment(**changes: str) -> dict[str, str]:
    """This process's environment with the tools first in ``PATH``, without anyone's AWS account."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {"PATH": search_path(), "SAM_CLI_TELEMETRY": "0"} | changes


def run(
    name: str, *arguments: str | Path, environ: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> str:
    """Run a tool; returns what it printed. One that fails raises ``AssertionError`` with that."""
    done = run_unchecked(name, *arguments, environ=environ, cwd=cwd)
    assert done.returncode == 0, f"{name} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def run_unchecked(
    name: str, *arguments: str | Path, environ: Mapping[str, str] | None = None, cwd: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Run a tool, whether it succeeds or not, for at most five minutes."""
    return subprocess.run(
        [tool(name), *map(str, arguments)],
        cwd=cwd,
        env=dict(environment() if environ is None else environ),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
