"""Waiting for a server that was just started."""

import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import subprocess


def wait_for_answer(
    process: "subprocess.Popen[bytes]", port: int, log: Path, within: float
) -> None:
    """Until the process answers HTTP on ``port`` of loopback.

    Raises ``RuntimeError`` with the end of its log if it ends before, or takes more than ``within``
    seconds.
    """
    deadline = time.monotonic() + within
    while process.poll() is None and time.monotonic() < deadline:
        connection = HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/")
            connection.getresponse().read()
        except (OSError, HTTPException):
            time.sleep(0.01)
        else:
            return
        finally:
            connection.close()
    raise RuntimeError(f"it did not start: {log.read_text(errors='replace')[-300:]}")
