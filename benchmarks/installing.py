"""Real clients against every server: pip downloads, uv resolves and installs, twine uploads."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import machine
from contestants import PASSWORD, USER, Contestant
from corpus import RESOLVED, SINGLE
from distributions import build_wheel
from environments import UV, Environment
from samples import Samples

SECTION = "clients"
DOWNLOAD, RESOLVE, INSTALL = (
    "pip download of 50 files",
    "uv resolving 110 packages",
    "uv installing 30",
)
TWINE = "twine of 20 files"


def measure(samples: Samples, found: list[Contestant], folder: Path, rounds: int) -> None:
    """Each client against each server, in turn, with nothing cached."""
    clients = Environment("clients")
    work: list[tuple[str, Callable[[Contestant, Path], None]]] = [
        (DOWNLOAD, lambda each, place: _pip(clients, each, place)),
        (RESOLVE, _resolve),
        (INSTALL, _install),
    ]
    for turn in range(rounds):
        for what, run in work:
            for each in found:
                # devpi has what was uploaded to it, and that is not all.
                _timed(samples, what, each, folder, run)
        for each in found:
            if each.uploads is not None:
                wheels = _wheels(folder / f"twine-{each.name}-{turn}", f"twined-{turn}")
                _timed(samples, TWINE, each, folder, _twine(clients, wheels))


def _timed(
    samples: Samples,
    what: str,
    each: Contestant,
    folder: Path,
    run: Callable[[Contestant, Path], None],
) -> None:
    place = folder / "place"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    if (SECTION, what, each.name) in [failure[:3] for failure in samples.failures]:
        return
    started = time.perf_counter()
    try:
        run(each, place)
    except (subprocess.SubprocessError, ValueError) as error:
        said = getattr(error, "stderr", None) or error
        samples.fail(SECTION, what, each.name, said)
        return
    samples.add(SECTION, what, each.name, "s", time.perf_counter() - started)


def _run(command: Sequence[str | Path], place: Path) -> None:
    done = subprocess.run(
        ["taskset", "-c", str(machine.CLIENT_CORE), *map(str, command)],
        cwd=place,
        env=machine.plain_environment()
        | {"UV_CACHE_DIR": str(place / "cache"), "UV_LINK_MODE": "copy"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    if done.returncode:
        raise ValueError(done.stderr.replace(PASSWORD, "…")[-300:])


def _pip(clients: Environment, each: Contestant, place: Path) -> None:
    options = [
        "--no-cache-dir",
        "--no-deps",
        "--disable-pip-version-check",
        "--quiet",
        "--isolated",
    ]
    index = ["--index-url", each.with_credentials(), "--dest", "files"]
    _run([clients.python, "-m", "pip", "download", *options, *index, *SINGLE], place)


def _resolve(each: Contestant, place: Path) -> None:
    (place / "wanted.in").write_text(f"{RESOLVED[0]}\n")
    options = ["--quiet", "--no-config", "--default-index", each.with_credentials()]
    _run([UV, "pip", "compile", *options, "wanted.in", "--output-file", "wanted.txt"], place)
    pins = [line for line in (place / "wanted.txt").read_text().splitlines() if "==" in line]
    if len(pins) != len(RESOLVED):
        raise ValueError(f"{len(pins)} packages were resolved")


def _install(each: Contestant, place: Path) -> None:
    options = ["--quiet", "--no-config", "--python", sys.executable, "--target", "installed"]
    _run(
        [UV, "pip", "install", *options, "--default-index", each.with_credentials(), *SINGLE[:30]],
        place,
    )


def _wheels(place: Path, name: str) -> list[Path]:
    place.mkdir(parents=True, exist_ok=True)
    made = []
    for number in range(20):
        built = build_wheel(f"{name}-{number}", "1.0", files={"data.bin": bytes(20_000)})
        made.append(place / built.filename)
        made[-1].write_bytes(built.content)
    return made


def _twine(clients: Environment, wheels: list[Path]) -> Callable[[Contestant, Path], None]:
    def run(each: Contestant, place: Path) -> None:
        options = ["--repository-url", str(each.uploads), "-u", USER, "-p", PASSWORD]
        _run(
            [
                *(clients.bin / "twine", "upload", "--disable-progress-bar", "--non-interactive"),
                *options,
                *wheels,
            ],
            place,
        )

    return run
