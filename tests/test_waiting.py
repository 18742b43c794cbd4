"""Waiting for servers."""

import subprocess
import sys
from pathlib import Path

import pytest

from running import free_port
from waiting import wait_for_answer


def _started(code: str, log: Path) -> "subprocess.Popen[bytes]":
    with log.open("wb") as out:
        return subprocess.Popen([sys.executable, "-c", code], stdout=out, stderr=out)


def test_it_waits_until_there_is_an_answer(tmp_path: Path) -> None:
    """A server that takes its time is waited for, whatever it answers."""
    port, log = free_port(), tmp_path / "log"
    code = f"""
import time, http.server
time.sleep(0.3)
http.server.HTTPServer(("127.0.0.1", {port}), http.server.BaseHTTPRequestHandler).serve_forever()
"""
    process = _started(code, log)
    try:
        wait_for_answer(process, port, log, 60)
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


def test_it_says_why_there_is_none(tmp_path: Path) -> None:
    """A process that ends, or listens elsewhere, is an error with what it said."""
    log = tmp_path / "log"
    with (
        _started("raise SystemExit('no such file')", log) as process,
        pytest.raises(RuntimeError, match="no such file"),
    ):
        wait_for_answer(process, free_port(), log, 60)
    process = _started("import time; time.sleep(60)", log)
    try:
        with pytest.raises(RuntimeError, match="did not start"):
            wait_for_answer(process, free_port(), log, 0.1)
    finally:
        process.kill()
        process.wait()
