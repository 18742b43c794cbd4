"""``wheelyard completion``: bash completes commands, options and values."""

import os
import shlex
import subprocess
import sys
from pathlib import Path
from shutil import which

import pytest

import running


@pytest.fixture
def complete(tmp_path: Path) -> "Bash":
    """A bash with the completion of a ``wheelyard`` command in its path."""
    command = tmp_path / "wheelyard"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m wheelyard "$@"\n')
    command.chmod(0o755)
    return Bash(tmp_path)


class Bash:
    """A bash that has read the completion."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, *words: str) -> list[str]:
        """What it offers for the last of the words."""
        line = shlex.join(["wheelyard", *words[:-1]]) + " " + words[-1]
        script = (
            'eval "$(wheelyard completion bash)"\n'
            f"COMP_WORDS=(wheelyard {' '.join(map(shlex.quote, words))})\n"
            f"COMP_LINE={shlex.quote(line)} COMP_CWORD={len(words)}\n"
            "_wheelyard_completion wheelyard\n"
            'printf "%s\\n" "${COMPREPLY[@]}"\n'
        )
        environ = running.environment()
        environ["PATH"] = os.pathsep.join([str(self._folder), os.environ["PATH"]])
        done = subprocess.run(
            [which("bash") or "bash", "--norc", "-c", script],
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return [line for line in done.stdout.splitlines() if line]


@pytest.mark.skipif(which("bash") is None, reason="there is no bash on this machine")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("rel",), ["release"]),
        (("release", ""), ["delete", "list", "unyank", "yank"]),
        (("project", "status", "acme", "de"), ["deprecated"]),
        (("release", "yank", "acme", "1.0", "--re"), ["--reason"]),
        (("audit", "--u"), ["--user", "--until"]),
    ],
)
def test_bash(complete: Bash, words: tuple[str, ...], offered: list[str]) -> None:
    """Commands, statuses and options are offered as they are typed."""
    assert sorted(complete(*words)) == sorted(offered)
