"""The Makefile, as somebody types it."""

import subprocess

import pytest

import tools


@pytest.mark.parametrize("given", ["PORT=abc", "PORT=", "PORT=80 80", "WORKERS=two", "WORKERS=-1"])
def test_a_number_that_is_none(given: str) -> None:
    """What `make serve` cannot use is said in the words in which it was given."""
    # As where everything is installed already.
    done = subprocess.run(
        ["make", "-o", ".venv/.runtime", "serve", given],
        cwd=tools.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == (
        f"{given} is no number: make serve {given.partition('=')[0]}=<number>"
    )
    assert "--" not in done.stderr
