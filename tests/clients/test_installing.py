"""pip, uv and poetry install private packages, whatever form the index answers in."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from distributions import build_sdist, build_wheel
from html_front import html_front
from running import READER, STRANGER, UPLOADER, Account, Index, running
from wheelyard.client.upload import upload
from workstation import Environment, Ran, Workstation

pytestmark = pytest.mark.xdist_group("clients-install")

LIBRARY = [
    build_wheel("acme-lib", "1.0"),
    build_wheel("acme-lib", "2.0"),
    build_wheel("acme-lib", "3.0", requires_python=">=3.99"),
]
APPLICATION = build_wheel("acme-app", "1.0", requires=["acme-lib >= 1.5"])

BACKEND = b'''
"""A build backend that needs nothing: the sdist brings it along."""
import pathlib, zipfile

def build_wheel(folder, config_settings=None, metadata_directory=None):
    name = "acme_source-1.0-py3-none-any.whl"
    info = "acme_source-1.0.dist-info"
    members = {
        "acme_source.py": "__version__ = '1.0'\\n",
        f"{info}/METADATA": "Metadata-Version: 2.4\\nName: acme-source\\nVersion: 1.0\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    members[f"{info}/RECORD"] = "".join(f"{path},,\\n" for path in [*members, f"{info}/RECORD"])
    with zipfile.ZipFile(pathlib.Path(folder, name), "w") as wheel:
        for path, content in members.items():
            wheel.writestr(path, content)
    return name
'''
PYPROJECT = (
    b'[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    b'[project]\nname = "acme-source"\nversion = "1.0"\n'
)
SOURCE = build_sdist(
    "acme-source", "1.0", files={"backend.py": BACKEND, "pyproject.toml": PYPROJECT}
)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """A server with an application, the library that it needs, and a project of source only."""
    with running(tmp_path_factory.mktemp("index")) as index:
        index.publish(APPLICATION, *LIBRARY, SOURCE)
        yield index


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """A fresh environment on a fresh machine."""
    return Workstation(tmp_path).environment()


def pip(environment: Environment, port: int, *what: str, account: Account = READER) -> Ran:
    return environment.pip("install", with_credentials(port, account), *what)


def uv(environment: Environment, port: int, *what: str, account: Account = READER) -> Ran:
    return environment.uv(with_credentials(port, account), *what)


def poetry(environment: Environment, port: int, *what: str, account: Account = READER) -> Ran:
    return environment.poetry(f"http://127.0.0.1:{port}/simple/", account, *what)


def with_credentials(port: int, account: Account) -> str:
    return f"http://{account.name}:{account.password}@127.0.0.1:{port}/simple/"


Client = Callable[..., Ran]
every_client = pytest.mark.parametrize("client", [pip, uv, poetry])
pip_and_uv = pytest.mark.parametrize("client", [pip, uv])


def without_metadata(document: dict[str, Any]) -> None:
    """A page that announces no metadata, as one that another tool wrote may."""
    for file in document["files"]:
        file.pop("core-metadata", None)
        file.pop("dist-info-metadata", None)


@pytest.fixture(scope="module")
def plain_index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """The same server, but its pages announce no metadata."""
    with running(tmp_path_factory.mktemp("plain")) as index:
        index.publish(APPLICATION, *LIBRARY)
        for project in ("acme-app", "acme-lib"):
            index.edit_page(project, without_metadata)
        yield index


class Way(NamedTuple):
    """How a client meets the index."""

    server: Index
    port: int
    metadata: bool


@pytest.fixture(params=["json", "html", "json without metadata", "html without metadata"])
def way(request: pytest.FixtureRequest) -> Iterator[Way]:
    """The index in each form, with and without ``.metadata``."""
    form, _, without = request.param.partition(" ")
    index = request.getfixturevalue("plain_index" if without else "index")
    if form == "json":
        yield Way(index, index.port, not without)
        return
    with html_front(index.port) as front:
        yield Way(index, front.port, not without)
        assert front.types
        assert {name.partition(";")[0] for name in front.types} == {"text/html"}


@pip_and_uv
def test_a_staged_release(
    client: Client, index: Index, environment: Environment, tmp_path: Path
) -> None:
    """A release is installed from its stage beside the index, with what it needs from there."""
    built = build_wheel("acme-staged", "1.0", requires=["acme-lib"])
    (tmp_path / built.filename).write_bytes(built.content)
    stages: list[str] = []
    upload([tmp_path / built.filename], index.simple_url(UPLOADER), staged=stages.append)
    ran = client(environment, index.port, "acme-staged")
    assert ran.status != 0
    address = with_credentials(index.port, READER).replace("/simple/", "/upload/")
    stage = address + stages[0].partition("/upload/")[2]
    ran = client(environment, index.port, "acme-staged", "--extra-index-url", stage)
    assert ran.status == 0, ran.output
    versions = "acme_staged.__version__, acme_lib.__version__"
    assert environment.evaluate(versions, "acme_staged", "acme_lib") == "1.0 2.0"


@every_client
def test_install(client: Client, way: Way, environment: Environment) -> None:
    """A private package and the private package it needs are installed, and can be imported."""
    before = len(way.server.requests())
    ran = client(environment, way.port, "acme-app")
    assert ran.status == 0, ran.output
    versions = "acme_app.__version__, acme_lib.__version__"
    assert environment.evaluate(versions, "acme_app", "acme_lib") == "1.0 2.0"
    asked = [line["path"] for line in way.server.requests()[before:]]
    assert any(path.endswith(".metadata") for path in asked) == way.metadata


@pip_and_uv
def test_install_from_source(client: Client, index: Index, environment: Environment) -> None:
    """A project that has only a source distribution is built and installed."""
    ran = client(environment, index.port, "acme-source")
    assert ran.status == 0, ran.output
    assert environment.evaluate("acme_source.__version__", "acme_source") == "1.0"


@pip_and_uv
def test_python_requirement(client: Client, index: Index, environment: Environment) -> None:
    """A release for another Python is passed over, and where it is asked for, that is said."""
    assert client(environment, index.port, "acme-lib").status == 0
    assert environment.evaluate("acme_lib.__version__", "acme_lib") == "2.0"
    ran = client(environment, index.port, "acme-lib==3.0")
    assert ran.status != 0
    assert ">=3.99" in ran.output


@pip_and_uv
def test_yanked_releases(client: Client, environment: Environment, tmp_path: Path) -> None:
    """A yanked release is passed over; who pins it gets it, with a warning that gives the reason."""

    def yank(document: dict[str, Any]) -> None:
        for file in document["files"]:
            if "-2.0-" in file["filename"]:
                file["yanked"] = "loses data"

    (tmp_path / "server").mkdir()
    with running(tmp_path / "server") as index:
        index.publish(*LIBRARY)
        index.edit_page("acme-lib", yank)
        assert client(environment, index.port, "acme-lib").status == 0
        assert environment.evaluate("acme_lib.__version__", "acme_lib") == "1.0"
        pinned = client(environment, index.port, "acme-lib==2.0")
        assert environment.evaluate("acme_lib.__version__", "acme_lib") == "2.0"
    assert "yanked" in pinned.output
    assert "loses data" in pinned.output


@pytest.fixture(scope="module")
def dated_index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """A server with a release of 2023, one of 2025, and a project published just now."""
    times = {"1.0": "2023-03-01T12:00:00Z", "2.0": "2025-03-01T12:00:00.5Z"}

    def date(document: dict[str, Any]) -> None:
        for file in document["files"]:
            file["upload-time"] = times[file["filename"].split("-")[1]]

    with running(tmp_path_factory.mktemp("dated")) as index:
        index.publish(*LIBRARY[:2], build_wheel("acme-new", "1.0"))
        index.edit_page("acme-lib", date)
        yield index


def gated_pip(environment: Environment, index: Index, until: str, what: str) -> Ran:
    folder, gate = environment.root / "downloaded", ("--uploaded-prior-to", until)
    ran = environment.pip("download", index.simple_url(READER), "--dest", folder, *gate, what)
    if ran.status == 0:
        environment.pip("install", index.simple_url(READER), *folder.iterdir())
    return ran


def gated_uv(environment: Environment, index: Index, until: str, what: str) -> Ran:
    return environment.uv(index.simple_url(READER), "--exclude-newer", until, what)


@pytest.mark.parametrize(
    ("gated", "nothing"),
    [(gated_pip, "No matching distribution found for"), (gated_uv, "there are no versions of")],
)
@pytest.mark.parametrize(
    ("until", "what", "found"),
    [
        ("2020-01-01T00:00:00Z", "acme-lib", None),
        ("2024-01-01T00:00:00Z", "acme-lib", "1.0"),
        ("2025-03-01T12:00:00Z", "acme-lib", "1.0"),
        ("2026-01-01T00:00:00Z", "acme-lib", "2.0"),
        ("2026-01-01T00:00:00Z", "acme-new", None),
        ("2999-01-01T00:00:00Z", "acme-new", "1.0"),
    ],
)
def test_age_gates(
    gated: Callable[[Environment, Index, str, str], Ran],
    nothing: str,
    dated_index: Index,
    environment: Environment,
    until: str,
    what: str,
    found: str | None,
) -> None:
    """``pip --uploaded-prior-to`` and ``uv --exclude-newer`` see what was published by then, only."""
    ran = gated(environment, dated_index, until, what)
    if found is None:
        assert ran.status != 0
        assert f"{nothing} {what}" in ran.output
        return
    assert ran.status == 0, ran.output
    module = what.replace("-", "_")
    assert environment.evaluate(f"{module}.__version__", module) == found


@every_client
def test_wrong_password(client: Client, index: Index, environment: Environment) -> None:
    """Who has a wrong password is told that credentials are the matter, after a few requests."""
    before = len(index.requests())
    ran = client(environment, index.port, "acme-app", account=STRANGER)
    assert ran.status != 0
    assert any(word in ran.output.lower() for word in ("401", "credentials", "authori")), ran.output
    assert 1 <= len(index.requests()) - before <= 4


@every_client
def test_unknown_project(client: Client, index: Index, environment: Environment) -> None:
    """A project that is not there is said to be not found, and nobody else is asked."""
    ran = client(environment, index.port, "acme-nothing")
    assert ran.status != 0
    assert "acme-nothing" in ran.output
    assert any(
        word in ran.output.lower() for word in ("not found", "no matching", "could not find")
    )
