"""The machine that measures, and processes of it on a core of their own."""

import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from waiting import wait_for_answer

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")

READY_WITHIN = 60.0
"""Seconds that a server has to answer for the first time."""


def cores() -> tuple[int, int]:
    """The core for what is measured and the core for what measures; one and the same where there is one."""
    found = sorted(os.sched_getaffinity(0))
    return found[0], found[1 % len(found)]


SERVER_CORE, CLIENT_CORE = cores()


def describe() -> str:
    """The machine in a line."""
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in _lines("/proc/cpuinfo")
            if "model name" in line
        ),
        platform.processor(),
    )
    memory = next((line.split()[1] for line in _lines("/proc/meminfo") if "MemTotal" in line), "0")
    return (
        f"{os.cpu_count()} cores of {cpu}, {int(memory) / 1e6:.0f} GB, Linux {platform.release()}, "
        f"CPython {platform.python_version()}"
    )


def load() -> str:
    """How busy the machine is otherwise."""
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


class Usage(NamedTuple):
    """What a process and its children have used: seconds of CPU, and bytes of memory held now."""

    cpu: float
    memory: int


def usage(pid: int) -> Usage:
    """Of the process and all its descendants that still run."""
    cpu, memory = 0.0, 0
    for each in _descendants(pid):
        with suppress(OSError):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            cpu += (int(fields[11]) + int(fields[12])) / _TICKS
            memory += int(fields[21]) * _PAGE
    return Usage(cpu, memory)


def _descendants(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _descendants(int(child))


def spawn(
    command: Sequence[str | Path], log: Path, env: Mapping[str, str], core: int = SERVER_CORE
) -> "subprocess.Popen[bytes]":
    """A process on a core of its own."""
    with log.open("ab") as out:
        return subprocess.Popen(
            ["taskset", "-c", str(core), *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**plain_environment(), **env},
            start_new_session=True,
        )


def plain_environment() -> dict[str, str]:
    """What a process needs, without anybody's settings."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | {"NO_PROXY": "127.0.0.1", "PYTHONDONTWRITEBYTECODE": ""}


@contextmanager
def server(
    command: Sequence[str | Path], log: Path, port: int, env: Mapping[str, str]
) -> Iterator["subprocess.Popen[bytes]"]:
    """A server that answers on ``port`` within the block; it and its children end with it."""
    process = spawn(command, log, env)
    try:
        wait_for_answer(process, port, log, READY_WITHIN)
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, 15)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            process.wait()


def lambda_python() -> Path | None:
    """A Python of Lambda's version, None where there is none."""
    find = "import sys; assert sys.version_info[:2] == (3, 13); print(sys.executable)"
    for command in (["python3.13"], [sys.executable]):
        try:
            done = subprocess.run(
                [*command, "-c", find],
                env={**os.environ, "PYENV_VERSION": "3.13"},
                capture_output=True,
                text=True,
                check=False,
            )
        except OSError:
            continue
        if done.returncode == 0:
            return Path(done.stdout.strip())
    return None
