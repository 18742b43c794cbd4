"""nginx as a process of the test, with the configuration that the project hands out."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

import tools
from running import free_port
from waiting import wait_for_answer

CONFIGURATION = tools.ROOT / "examples/nginx.conf"

READY_WITHIN = 10.0
"""Seconds that nginx has to answer; it takes a few hundredths of one."""


def executable() -> str | None:
    """Where nginx is, None where there is none. Debian has it outside of a user's path."""
    return which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin")


@contextmanager
def nginx(folder: Path, root: Path) -> Iterator[str]:
    """nginx serves ``root`` below the URL that is given, its own files in ``folder``."""
    port = free_port()
    found = executable()
    assert found is not None, "nginx is not installed"
    configuration = folder / "nginx.conf"
    configuration.write_text(_configuration(folder, root, port))
    with (folder / "nginx.log").open("wb") as log:
        process = subprocess.Popen(
            [found, "-p", str(folder), "-c", str(configuration), "-e", "stderr"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        wait_for_answer(process, port, folder / "nginx.log", READY_WITHIN)
        yield f"http://127.0.0.1:{port}/simple/"
    finally:
        process.terminate()
        process.wait()


def _configuration(folder: Path, root: Path, port: int) -> str:
    handed_out = CONFIGURATION.read_text()
    for line, put in (
        ("listen 80;", f"listen 127.0.0.1:{port};"),
        ("alias /srv/wheelyard/;", f"alias {root}/;"),
    ):
        assert line in handed_out
        handed_out = handed_out.replace(line, put)
    folders = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # The tests' folders are for this user alone, and root's nginx would serve as another one.
    user = "user root;" if os.geteuid() == 0 else ""
    return (
        f"daemon off;\nmaster_process off;\n{user}\npid {folder}/nginx.pid;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{folders}{handed_out}}}\n"
    )
