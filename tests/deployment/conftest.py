"""What was built, and the stack deployed from it, once a test run."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import emulator
import tools
from clients import PUBLISHER
from iam.account import Account, account_of
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


@pytest.fixture(scope="session")
def daemon() -> Iterator[socket.socket]:
    """What the X-Ray SDK sends its segments to: the daemon beside a function, by UDP."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(30)
        yield receiver


@pytest.fixture(scope="session")
def tuned(
    built: Path, daemon: socket.socket, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """A stack with other parameters than the default ones, and a user who may upload."""
    address = "{}:{}".format(*daemon.getsockname())
    folder = tmp_path_factory.mktemp("ministack")
    with emulator.running(folder, AWS_XRAY_DAEMON_ADDRESS=address) as aws:
        stack = deployed(
            aws,
            built / "template.yaml",
            RepoBasePrefix="acme/index",
            PresignLifetime="120",
            Overwrite="allow",
            ReuseDeleted="allow",
            MemorySize="512",
            LoggingLevel="WARNING",
            XRay="true",
            KeepWarmSchedule="rate(5 minutes)",
            DashboardEnabled="true",
            AlarmTopicArn="arn:aws:sns:eu-central-1:000000000000:alarms",
        )
        user = {"username": PUBLISHER.name, "password": PUBLISHER.password, "upload": True}
        stack.administer({"putUser": user})
        yield stack


@pytest.fixture(scope="session")
def begun() -> set[str]:
    """The tests of this folder that this process has begun."""
    return set()


@pytest.fixture(autouse=True)
def _note(request: pytest.FixtureRequest, begun: set[str]) -> None:
    begun.add(request.node.nodeid)


@pytest.fixture(scope="session")
def accounts() -> list[Account]:
    """Those that there were so far: pytest makes one anew where the order of tests wants it."""
    return []


@pytest.fixture(scope="session", params=["stack", "tuned"])
def account(request: pytest.FixtureRequest, accounts: list[Account]) -> Iterator[Account]:
    """The stacks' roles, on an S3 that asks their policies."""
    prefix = "acme/index/" if request.param == "tuned" else ""
    with account_of(request.getfixturevalue(request.param), prefix) as account:
        accounts.append(account)
        yield account


def _need_python_of_lambda() -> None:
    """Byte code is made, and the functions are run, by the Python that the template names."""
    found = tools.run_unchecked(
        "uv",
        *("python", "find", "--no-config", "--no-project", "3.13"),
        environ=tools.environment(PYENV_VERSION="3.13", UV_PYTHON_DOWNLOADS="never"),
    )
    if found.returncode != 0:
        pytest.skip("the deployment needs Python 3.13, which is not on this machine")
