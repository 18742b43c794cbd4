"""What was built, and the stack deployed from it, once a test run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import emulator
import tools
from stack import Stack, deployed


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that ``sam build`` filled, from scratch."""
    _need_python_of_lambda()
    folder = tmp_path_factory.mktemp("built")
    tools.run("sam", "build", "--no-cached", "--build-dir", folder)
    return folder


@pytest.fixture(scope="session")
def stack(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack, deployed to an emulator by ``sam deploy``."""
    with emulator.running(tmp_path_factory.mktemp("ministack")) as aws:
        yield deployed(aws, built / "template.yaml")


def _need_python_of_lambda() -> None:
    """Byte code is made, and the functions are run, by the Python that the template names."""
    found = tools.run_unchecked(
        "uv",
        *("python", "find", "--no-config", "--no-project", "3.13"),
        environ=tools.environment(PYENV_VERSION="3.13", UV_PYTHON_DOWNLOADS="never"),
    )
    if found.returncode != 0:
        pytest.skip("the deployment needs Python 3.13, which is not on this machine")
