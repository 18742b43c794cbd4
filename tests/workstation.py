"""Somebody's machine, on which the real clients run: nobody else's settings, caches or keyring."""

import os
import sys
from pathlib import Path
from typing import NamedTuple

import tools
from running import Account

# Wider than any message, so that no client wraps what it prints.
_WIDTH = "1000"


class Ran(NamedTuple):
    """A command that ended: its exit status and everything it printed, on lines without padding."""

    status: int
    output: str


class Workstation:
    """A home folder, and the clients as somebody uses them there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._environment = {
            "PATH": tools.search_path(),
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "COLUMNS": _WIDTH,
            "NO_COLOR": "1",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INPUT": "1",
            "UV_NO_CONFIG": "1",
            "UV_PYTHON_DOWNLOADS": "never",
            "POETRY_NO_INTERACTION": "1",
            "POETRY_KEYRING_ENABLED": "false",
            # Archives that are built again have the same bytes.
            "SOURCE_DATE_EPOCH": "1700000000",
        }

    def run(
        self, tool: str, *arguments: str | Path, cwd: Path | None = None, **environ: str
    ) -> Ran:
        """Run a tool, whether it succeeds or not."""
        done = tools.run_unchecked(
            tool, *arguments, environ=self._environment | environ, cwd=cwd or self.folder
        )
        lines = [line.rstrip() for line in done.stdout.splitlines()]
        return Ran(done.returncode, "\n".join(lines))

    def environment(self) -> "Environment":
        """A fresh virtual environment of the Python that the tests run on, with nothing in it."""
        number = len(list(self.folder.glob("environment-*")))
        root = self.folder / f"environment-{number}"
        made = self.run("uv", "venv", "--quiet", "--python", sys.executable, root)
        assert made.status == 0, made.output
        return Environment(self, root)


class Environment(NamedTuple):
    """A virtual environment, and each client's way to install into it."""

    workstation: Workstation
    root: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.root / "bin/python"

    def pip(self, command: str, index_url: str, *arguments: str | Path) -> Ran:
        """``pip install`` or ``pip download`` by the current pip, for this environment."""
        python = ("--python", self.python)
        return self.workstation.run("pip", *python, command, "--index-url", index_url, *arguments)

    def uv(self, index_url: str, *arguments: str | Path) -> Ran:
        """``uv pip install``."""
        python = ("--python", self.python)
        return self.workstation.run(
            "uv", "pip", "install", *python, "--default-index", index_url, *arguments
        )

    def poetry(self, index_url: str, account: Account, *requirements: str) -> Ran:
        """``poetry add`` to a new project whose only source is the index."""
        project = self.root.with_name(f"{self.root.name}-project")
        project.mkdir()
        (project / "pyproject.toml").write_text(
            '[project]\nname = "consumer"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
            "[tool.poetry]\npackage-mode = false\n"
            f'[[tool.poetry.source]]\nname = "acme"\nurl = "{index_url}"\npriority = "primary"\n'
        )
        return self.workstation.run(
            "poetry",
            "add",
            *requirements,
            cwd=project,
            VIRTUAL_ENV=str(self.root),
            POETRY_HTTP_BASIC_ACME_USERNAME=account.name,
            POETRY_HTTP_BASIC_ACME_PASSWORD=account.password,
        )

    def evaluate(self, expression: str, *modules: str) -> str:
        """What ``expression`` is in this environment's Python, with the modules imported."""
        code = f"import {', '.join(modules)}\nprint({expression})"
        ran = self.workstation.run(str(self.python), "-c", code)
        assert ran.status == 0, ran.output
        return ran.output
