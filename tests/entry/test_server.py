"""The one-machine server, as a process, over its socket."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from running import Index, running


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """A server for the tests that leave it running."""
    with running(tmp_path_factory.mktemp("index")) as index:
        yield index


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_server_cleanly(tmp_path: Path, how: signal.Signals) -> None:
    """SIGTERM and SIGINT end the server with status 0 and nothing unusual in the log."""
    index = Index(tmp_path)
    index.start()
    assert index.stop(how) == 0
    assert [line["message"] for line in index.log_lines()] == ["request"]


def test_first_user(tmp_path: Path) -> None:
    """The first start over an empty store makes a user and shows the password once, never in the log."""
    index = Index(tmp_path)
    index.start()
    (line,) = [line for line in index.printed().splitlines() if "password" in line]
    password = line.split()[-1]
    index.stop()
    index.start()
    index.stop()
    assert index.printed().count("password is shown") == 1
    assert password not in index.log_text()
