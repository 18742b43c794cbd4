"""Moving in from every kin: import what it has, and pip installs everything that was there."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import kin
from buildable import buildable_sdist
from distributions import BuiltDistribution, build_wheel
from running import READER, Account, Index, add_users
from servers import S3Server
from wheelyard.entry.cli import cli
from workstation import Workstation

WHEEL = build_wheel("acme-tools", "1.0", requires_python=">=3.9")
LOCAL = build_wheel("acme-tools", "1.1+local.2", requires=["other>=1"])
SDIST = buildable_sdist("acme-tools", "0.9")
ZIPPED = buildable_sdist("old-style", "1.0", format="zip")
OTHER = build_wheel("other", "2.0")
FILES = (WHEEL, LOCAL, SDIST, ZIPPED, OTHER)

CHANGED = datetime(2020, 2, 3, 4, 5, 6, tzinfo=UTC)

Moving = AbstractContextManager[str]


def s3pypi_keys(tmp_path: Path, request: pytest.FixtureRequest) -> Moving:
    """s3pypi with pages under keys that end with a slash."""
    return in_bucket(request, lambda s3, bucket: kin.s3pypi(s3, bucket, tmp_path / "up", FILES))


def s3pypi_prefix(tmp_path: Path, request: pytest.FixtureRequest) -> Moving:
    """s3pypi with a prefix, pages called index.html, and a root page."""
    options = ("--prefix", "py/packages", "--index.html", "--put-root-index")
    return in_bucket(
        request,
        lambda s3, bucket: kin.s3pypi(s3, bucket, tmp_path / "up", FILES, *options),
        prefix="/py/packages",
    )


def terraform(tmp_path: Path, request: pytest.FixtureRequest) -> Moving:
    """A bucket of terraform-aws-serverless-pypi."""
    del tmp_path
    return in_bucket(request, lambda s3, b: kin.put_in_bucket(s3, b, kin.folders(FILES)))


def elasticpypi(tmp_path: Path, request: pytest.FixtureRequest) -> Moving:
    """A bucket of elasticpypi."""
    del tmp_path
    return in_bucket(request, lambda s3, b: kin.put_in_bucket(s3, b, kin.flat(FILES)))


def serverless_pypi(tmp_path: Path, request: pytest.FixtureRequest) -> Moving:
    """A bucket of serverless-pypi, below its REPO_BASE_PREFIX."""
    del tmp_path
    objects = {
        f"repo/{key}": body
        for key, body in kin.serverless_pypi(FILES, {"alice": ("Alices-pass-1", True)}).items()
    }
    return in_bucket(request, lambda s3, b: kin.put_in_bucket(s3, b, objects), prefix="/repo")


@contextmanager
def in_bucket(
    request: pytest.FixtureRequest, fill: Callable[[S3Server, str], object], prefix: str = ""
) -> Iterator[str]:
    """A bucket that is filled."""
    server: S3Server = request.getfixturevalue("moto")
    bucket = server.new_bucket()
    fill(server, bucket)
    yield f"s3://{bucket}{prefix}"


@contextmanager
def directory(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A directory with a folder for each project."""
    del request
    kin.put_in_folder(tmp_path / "old", kin.folders(FILES), CHANGED)
    yield str(tmp_path / "old")


def pypiserver(tmp_path: Path, request: pytest.FixtureRequest) -> Moving:
    """A running pypiserver."""
    del request
    return kin.pypiserver(tmp_path, FILES)


def devpi(tmp_path: Path, request: pytest.FixtureRequest) -> Moving:
    """An index of a running devpi, filled by twine."""
    del request
    return kin.devpi(tmp_path, FILES)


@contextmanager
def guarded(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """An index that wants credentials and speaks JSON."""
    del tmp_path
    upstream = request.getfixturevalue("upstream")
    for file in FILES:
        upstream.add(file)
    yield f"{upstream.with_credentials()}/"


KIN = (
    s3pypi_keys,
    s3pypi_prefix,
    terraform,
    elasticpypi,
    serverless_pypi,
    directory,
    pypiserver,
    devpi,
    guarded,
)


@pytest.mark.parametrize("moving", KIN, ids=lambda moving: moving.__name__)
def test_everything_installs(
    moving: Callable[[Path, pytest.FixtureRequest], Moving],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """Everything that a kin had is taken, and pip installs each file of it, the very same bytes."""
    (tmp_path / "kin").mkdir()
    index = Index(tmp_path)
    add_users(index.store)
    with moving(tmp_path / "kin", request) as location:
        done = CliRunner().invoke(cli, ["import", location, "--store", index.location])
    assert done.exit_code == 0, (done.output, done.exception)
    assert done.stdout.splitlines()[-1].startswith("files taken: 5, there already: 0, not to be")
    index.start()
    try:
        check_pages(index, FILES)
        install_each(Workstation(tmp_path), index, tmp_path, FILES)
        assert index.stop() == 0
    finally:
        index.kill()


def check_pages(index: Index, files: tuple[BuiltDistribution, ...]) -> None:
    """Every file is on its project's page with its digest, size and metadata, and nothing else is."""
    pages: dict[str, dict[str, Any]] = {}
    for project in {kin.project_of(file) for file in files}:
        pages |= {file["filename"]: file for file in index.page(project)["files"]}
    assert pages.keys() == {file.filename for file in files}
    for file in files:
        listed = pages[file.filename]
        assert listed["hashes"] == {"sha256": file.sha256}
        assert listed["size"] == len(file.content)
    assert pages[WHEEL.filename]["requires-python"] == ">=3.9"


def install_each(
    workstation: Workstation, index: Index, folder: Path, files: tuple[BuiltDistribution, ...]
) -> None:
    """Install every release by pip, each into a folder of its own."""
    url = index.simple_url(READER)
    for file in files:
        name, version = re.split(r"-(?=\d)", re.sub(r"\.(tar\.gz|zip)$", "", file.filename))[:2]
        version = version.partition("-")[0]
        target = folder / "installed" / file.filename
        ran = workstation.run(
            *("pip", "install", "--index-url", url, "--target", target, f"{name}=={version}")
        )
        assert ran.status == 0, ran.output
        assert f'"{version}"' in (target / name / "__init__.py").read_text()


def test_users_of_serverless_pypi(tmp_path: Path, moto: S3Server) -> None:
    """The users of serverless-pypi sign in with their passwords, to do what they might do there."""
    bucket = moto.new_bucket()
    users = {"alice": ("Alices-pass-1", True), "bob": ("Bobs-pass-1", False)}
    kin.put_in_bucket(moto, bucket, kin.serverless_pypi([WHEEL], users))
    index = Index(tmp_path)
    arguments = ["import", f"s3://{bucket}", "--store", index.location]
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 0, done.output
    assert done.stdout.endswith("users and cached files taken: 2\n")
    assert CliRunner().invoke(cli, arguments).stdout.endswith("users and cached files taken: 0\n")
    index.start()
    try:
        alice, bob = Account("alice", "Alices-pass-1"), Account("bob", "Bobs-pass-1")
        assert len(index.page("acme-tools", bob)["files"]) == 1
        assert index.upload(OTHER, bob).status == 403
        assert index.upload(OTHER, alice).status == 200
        assert index.request("GET", "/simple/", Account("alice", "Bobs-pass-1")).status == 401
    finally:
        index.kill()
