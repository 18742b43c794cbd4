"""The packages that every server offers: 1,000 projects, one of 2,000 files, large wheels, dependencies."""

import random
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from distributions import BuiltDistribution, build_sdist, build_wheel

TYPICAL, MANY, LARGE, HUGE = "acme-typical", "acme-many", "acme-large", "acme-huge"
PROJECTS = 1_000
FILES_OF_MANY = 2_000
RESOLVED = [f"tree-{number:03}" for number in range(110)]
"""Projects that need each other: the first needs all the others, by way of two each."""
SINGLE = [f"single-{number:02}" for number in range(50)]
"""Projects that need nothing."""


class Corpus(NamedTuple):
    """Where the files are: ``packages/<project>/<filename>`` below ``folder``."""

    folder: Path

    @property
    def packages(self) -> Path:
        """One folder a project."""
        return self.folder / "packages"

    def file(self, project: str) -> str:
        """The name of a project's first wheel."""
        return min(path.name for path in (self.packages / project).glob("*.whl"))


def generate(folder: Path, files_of_many: int = FILES_OF_MANY) -> Corpus:
    """Write the corpus; the same bytes every time."""
    corpus = Corpus(folder)
    for version in range(10):
        _write(corpus, TYPICAL, build_wheel(TYPICAL, f"1.{version}", requires_python=">=3.9"))
        _write(corpus, TYPICAL, build_sdist(TYPICAL, f"1.{version}", requires_python=">=3.9"))
    for number in range(files_of_many):
        _write(corpus, MANY, build_wheel(MANY, f"{number // 100}.{number % 100}"))
    _write(corpus, LARGE, _of_size(LARGE, 5_000_000))
    _write(corpus, HUGE, _of_size(HUGE, 50_000_000))
    for number, name in enumerate(RESOLVED):
        needs = [f"{each}>=1.1" for each in RESOLVED[2 * number + 1 : 2 * number + 3]]
        for release in ("1.0", "1.1", "1.2"):
            _write(corpus, name, build_wheel(name, release, requires=needs))
    for name in SINGLE:
        _write(corpus, name, build_wheel(name, "1.0", files=_module(name, 20_000)))
    rest = PROJECTS - 4 - len(RESOLVED) - len(SINGLE)
    for number in range(rest):
        name = f"filler-{number:03}"
        _write(corpus, name, build_wheel(name, "1.0"))
    return corpus


def tiny(number: int) -> BuiltDistribution:
    """A wheel to upload, of a project of its own."""
    return build_wheel(f"upload-{number}", "1.0")


def sized(name: str, version: str, size: int) -> BuiltDistribution:
    """A wheel of about ``size`` bytes to upload."""
    return build_wheel(name, version, files=_module(name, size))


def _of_size(name: str, size: int) -> BuiltDistribution:
    return build_wheel(name, "1.0", files=_module(name, size))


def _module(name: str, size: int) -> dict[str, bytes]:
    module = name.replace("-", "_")
    noise = random.Random(name).randbytes(size)  # noqa: S311
    return {f"{module}/__init__.py": b"", f"{module}/data.bin": noise}


def _write(corpus: Corpus, project: str, built: BuiltDistribution) -> None:
    path = corpus.packages / project / built.filename
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(built.content)


def into_store(corpus: Corpus, store: Path, env: dict[str, str]) -> None:
    """Have the corpus in a store: the files are put there, and its own rebuild lists them.

    They are the very files that the others serve: a copy can lie in the page cache in smaller pieces, and
    anybody, nginx as well, then sends it a third slower.
    """
    (store / "packages").parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-r", "-l", corpus.packages, store / "packages"], check=True)
    subprocess.run(
        [sys.executable, "-m", "wheelyard", "rebuild", "--store", str(store)],
        check=True,
        env=env,
        stdout=subprocess.DEVNULL,
    )
