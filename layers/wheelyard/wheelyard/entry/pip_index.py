"""The index that this machine's pip is configured with, asked of pip itself.

What pip is configured with may hold credentials: nothing here shows it to anybody.
"""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from shutil import which
from typing import NamedTuple

# Seconds.
_PATIENCE = 30
# The environment goes before the command's section, and that before the global one.
_SECTIONS = (":env:", "install", "global")
_DEFAULT = re.compile(r"--index-url <url>[^(]*\(default\s+(https?://[^\s)]+)\)")


class PipIndex(NamedTuple):
    """What pip installs from; ``certificates`` is a file of those it trusts, where that is set."""

    url: str
    certificates: str | None


def pip_index() -> PipIndex | None:
    """The index of the pip beside this Python, or else of the one in ``PATH``; None without pip."""
    for pip in _candidates():
        settings = _output([*pip, "config", "list"])
        if settings is None:
            continue
        url = _setting(settings, "index-url") or _built_in(pip)
        if url is not None:
            return PipIndex(url, _setting(settings, "cert"))
    return None


def _candidates() -> Iterator[Sequence[str]]:
    yield (sys.executable, "-m", "pip")
    for name in ("pip3", "pip"):
        if (found := which(name)) is not None:
            yield (found,)


def _setting(settings: str, name: str) -> str | None:
    """A setting's value in what ``pip config list`` prints: ``section.name='value'``, line by line."""
    found = dict(line.split("=", 1) for line in settings.splitlines() if "=" in line)
    for section in _SECTIONS:
        if (value := found.get(f"{section}.{name}")) is not None:
            try:
                return str(ast.literal_eval(value))
            except (ValueError, SyntaxError):
                return None
    return None


def _built_in(pip: Sequence[str]) -> str | None:
    """What pip uses where nothing is set, as its help says."""
    match = _DEFAULT.search(_output([*pip, "install", "--help"]) or "")
    return match[1] if match else None


def _output(command: Sequence[str]) -> str | None:
    # A line of pip's help must not be broken within a URL.
    env = {**os.environ, "COLUMNS": "2000", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    try:
        done = subprocess.run(  # noqa: S603  # pip, from this Python or from PATH
            command, capture_output=True, text=True, timeout=_PATIENCE, check=False, env=env
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
