"""Environments of their own for the peers, the controls and the clients, from the package index."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
ENVIRONMENTS = ROOT / ".tools/bench"
UV = Path(sys.executable).parent / "uv"

# What is installed, by the name of the environment.
PACKAGES = {
    "pypiserver": ["pypiserver[passlib]", "waitress"],
    "devpi-server": ["devpi-server"],
    "proxpi": ["proxpi", "gunicorn"],
    "simple-repository-server": ["simple-repository-server"],
    "boto3": ["boto3", "awslambdaric"],
    "fastapi": ["fastapi", "mangum", "boto3", "awslambdaric"],
    "awslambdaric": ["awslambdaric"],
    "clients": ["pip", "twine", "matplotlib", "orjson"],
}


class Environment:
    """A virtual environment with what its name says."""

    def __init__(self, name: str, python: Path = Path(sys.executable)) -> None:
        """Makes it where it is missing. Raises ``RuntimeError`` with what the installer said."""
        version = subprocess.run(
            [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        self.name = name
        self.folder = ENVIRONMENTS / f"{name}-{version}"
        self.bin = self.folder / "bin"
        self.python = self.bin / "python"
        if not (self.folder / ".installed").exists():
            _run("venv", "--clear", "--python", python, self.folder)
            _run("pip", "install", "--compile-bytecode", "--python", self.python, *PACKAGES[name])
            (self.folder / ".installed").touch()

    @property
    def packages(self) -> Path:
        """The folder of what is installed."""
        return next(self.folder.glob("lib/*/site-packages"))

    def version(self) -> str:
        """What is installed of its first package."""
        first = PACKAGES[self.name][0].partition("[")[0]
        program = f"import importlib.metadata as m; print(m.version({first!r}))"
        done = subprocess.run(
            [self.python, "-c", program], capture_output=True, text=True, check=True
        )
        return f"{first} {done.stdout.strip()}"


def _run(*arguments: str | Path) -> None:
    done = subprocess.run(
        [UV, *map(str, arguments), "--quiet"],
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ),
    )
    if done.returncode:
        raise RuntimeError(f"uv {arguments[0]} {arguments[-1]} failed: {done.stderr[-300:]}")
