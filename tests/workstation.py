"""Somebody's machine, on which the real clients run: nobody else's settings, caches or keyring."""

import os
from pathlib import Path
from typing import NamedTuple

import tools

# A command line is as long as the longest message, so that no client wraps what it prints.
_WIDTH = "1000"


class Ran(NamedTuple):
    """A command that ended: its exit status and everything it printed."""

    status: int
    output: str


class Workstation:
    """A home folder, and the clients as somebody uses them there."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        self._environment = {
            "PATH": os.pathsep.join([tools.search_path()]),
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "COLUMNS": _WIDTH,
            "NO_COLOR": "1",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "PYTHONWARNINGS": "ignore",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INPUT": "1",
            "UV_NO_CONFIG": "1",
            "UV_PYTHON_DOWNLOADS": "never",
            "POETRY_NO_INTERACTION": "1",
            "POETRY_KEYRING_ENABLED": "false",
            "POETRY_VIRTUALENVS_IN_PROJECT": "true",
        }

    def run(
        self, tool: str, *arguments: str | Path, cwd: Path | None = None, **environ: str
    ) -> Ran:
        """Run a tool, whether it succeeds or not."""
        done = tools.run_unchecked(
            tool, *arguments, environ=self._environment | environ, cwd=cwd or self.home
        )
        return Ran(done.returncode, done.stdout)
