"""What ``sam build`` makes: the code for both processors, each module with its byte code."""

import re
import shutil
import struct
from collections.abc import Iterator
from hashlib import sha256
from importlib.metadata import Distribution
from pathlib import Path

import pytest

import tools

pytestmark = [pytest.mark.deployment, pytest.mark.xdist_group("deployment")]

LAYERS = {"LayerArm64": 183, "LayerX8664": 62}
"""Each layer, and the number of its processor in an ELF file (System V ABI, e_machine)."""

LAYER_SOURCE = tools.ROOT / "layers/wheelyard"

FUNCTIONS = ("RequestFunction", "UploadFunction", "AdminFunction")

# Python 3.13's, of Include/internal/pycore_magic_number.h, and the two bytes that follow every one.
MAGIC_3_13 = struct.pack("<H", 3571) + b"\r\n"
# PEP 552: bit 0 says that a hash of the source follows, bit 1 that it is to be compared.
UNCHECKED_HASH = 0b01

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
LARGEST_UNZIPPED = 250 * 1024 * 1024
LARGEST_ZIP = 50 * 1024 * 1024


@pytest.mark.parametrize("name", [*LAYERS, *FUNCTIONS])
def test_byte_code(built: Path, name: str) -> None:
    """Each module has byte code of Lambda's Python, which is used without a look at the source."""
    modules = list(_modules(built / name))
    assert modules
    for module in modules:
        compiled = module.parent / "__pycache__" / f"{module.stem}.cpython-313.pyc"
        with compiled.open("rb") as file:
            magic, flags = file.read(4), int.from_bytes(file.read(4), "little")
        assert (magic, flags) == (MAGIC_3_13, UNCHECKED_HASH), compiled


@pytest.mark.parametrize("name", [*LAYERS, *FUNCTIONS])
def test_nothing_of_the_builder(built: Path, name: str) -> None:
    """The byte code says where Lambda has the source, not where it was built; there is no other."""
    compiled = list((built / name).rglob("*.pyc"))
    assert len(compiled) == len(list(_modules(built / name)))
    for file in compiled:
        assert str(built).encode() not in file.read_bytes()
        assert str(tools.ROOT).encode() not in file.read_bytes()


@pytest.mark.parametrize(("name", "machine"), LAYERS.items())
def test_processor(built: Path, name: str, machine: int) -> None:
    """A layer's native modules are its own processor's."""
    native = list((built / name).rglob("*.so"))
    assert native
    for file in native:
        with file.open("rb") as opened:
            assert struct.unpack("<H", opened.read(20)[18:])[0] == machine, file


@pytest.mark.parametrize("name", LAYERS)
def test_pinned(built: Path, name: str) -> None:
    """A layer holds exactly the releases that requirements.txt pins."""
    pins = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", _requirements(), re.MULTILINE))
    holds = {}
    for folder in (built / name / "python").glob("*.dist-info"):
        found = Distribution.at(folder)
        holds[found.metadata["Name"].lower().replace("_", "-")] = found.version
    assert holds == pins


@pytest.mark.parametrize("name", LAYERS)
def test_size(built: Path, name: str, tmp_path: Path) -> None:
    """A layer is well within Lambda's limits, and leaves out what the runtime has."""
    assert sum(file.stat().st_size for file in (built / name).rglob("*")) < LARGEST_UNZIPPED / 4
    zipped = shutil.make_archive(str(tmp_path / name), "zip", built / name)
    assert Path(zipped).stat().st_size < LARGEST_ZIP / 2
    assert not (built / name / "python/botocore").exists()


@pytest.mark.parametrize("name", LAYERS)
def test_pip_builds_the_same(built: Path, name: str, tmp_path: Path) -> None:
    """Where there is no uv, as in SAM's image, pip makes the same layer."""
    target = f"build-{name}"
    tools.run(
        "make",
        "--directory",
        LAYER_SOURCE,
        target,
        "UV=",
        f"ARTIFACTS_DIR={tmp_path}",
        cwd=tmp_path,
    )
    assert _contents(tmp_path) == _contents(built / name)


def test_other_python_is_refused(tmp_path: Path) -> None:
    """Byte code of another Python than Lambda's is no use there, so none is made, and it says why."""
    wrong = tmp_path / "python"
    wrong.write_text("#!/bin/sh\nexit 1\n")
    wrong.chmod(0o755)
    refused = tools.run_unchecked(
        "make",
        "--directory",
        LAYER_SOURCE,
        "build-LayerX8664",
        f"LAMBDA_PYTHON={wrong}",
        f"ARTIFACTS_DIR={tmp_path / 'built'}",
    )
    assert refused.returncode != 0
    assert "needs Python 3.13" in refused.stdout
    assert not (tmp_path / "built").exists()


def test_pins_name_no_index() -> None:
    """The pins hold wherever they are installed from: each with hashes, none with an address."""
    pins = _requirements()
    assert "://" not in pins
    assert "--index-url" not in pins
    for pin in re.split(r"\n(?=\S)", pins.strip()):
        assert "--hash=sha256:" in pin


def _requirements() -> str:
    return (tools.ROOT / "layers/wheelyard/requirements.txt").read_text()


def _contents(folder: Path) -> dict[Path, str]:
    """The digest of every file that matters by its place; RECORD and INSTALLER say who installed it."""
    return {
        file.relative_to(folder): sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*")
        if file.is_file() and file.name not in {"RECORD", "INSTALLER", "REQUESTED"}
    }


def _modules(folder: Path) -> Iterator[Path]:
    return folder.rglob("*.py")
