"""twine, uv, poetry, hatch and flit publish to the index, and say understandably what they may not."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from distributions import build_sdist, build_wheel
from running import READER, STRANGER, UPLOADER, Account, Index, running
from workstation import Ran, Workstation

pytestmark = pytest.mark.xdist_group("clients-publish")

PYPROJECT = """
[build-system]
requires = ["flit_core >=3.11"]
build-backend = "flit_core.buildapi"

[project]
name = "{name}"
version = "1.0"
description = "Widgets of the Acme company"
requires-python = ">=3.9"
"""


class Project(NamedTuple):
    """Somebody's source tree, with the archives of its release in ``dist``."""

    name: str
    root: Path
    workstation: Workstation

    @property
    def module(self) -> str:
        return self.name.replace("-", "_")

    def release(self, code: str) -> None:
        """Write the code and build the release; flit builds it once more as it publishes."""
        files = {f"{self.module}/__init__.py": code.encode()}
        for path, content in {**files, "pyproject.toml": self._pyproject()}.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_bytes(content)
        (self.root / "dist").mkdir(exist_ok=True)
        for build in (build_wheel, build_sdist):
            built = build(self.name, "1.0", files=files)
            (self.root / "dist" / built.filename).write_bytes(built.content)

    def _pyproject(self) -> bytes:
        return PYPROJECT.format(name=self.name).encode()

    def filenames(self) -> list[str]:
        return sorted(path.name for path in (self.root / "dist").iterdir())

    def run(self, tool: str, *arguments: str, **environ: str) -> Ran:
        return self.workstation.run(tool, *arguments, cwd=self.root, **environ)


def twine(project: Project, index: Index, account: Account) -> Ran:
    options = ("--non-interactive", "--disable-progress-bar", "--repository-url", index.upload_url)
    files = [f"dist/{name}" for name in project.filenames()]
    user = ("-u", account.name, "-p", account.password)
    return project.run("twine", "upload", *options, *user, *files)


def uv(project: Project, index: Index, account: Account, *options: str) -> Ran:
    user = ("-u", account.name, "-p", account.password)
    return project.run("uv", "publish", "--publish-url", index.upload_url, *user, *options)


def poetry(project: Project, index: Index, account: Account, *options: str) -> Ran:
    user = ("-u", account.name, "-p", account.password)
    address = {"POETRY_REPOSITORIES_ACME_URL": index.upload_url}
    return project.run("poetry", "publish", "-r", "acme", *user, *options, **address)


def hatch(project: Project, index: Index, account: Account) -> Ran:
    user = ("-u", account.name, "-a", account.password)
    return project.run("hatch", "publish", "-n", "-r", index.upload_url, *user)


def flit(project: Project, index: Index, account: Account) -> Ran:
    return project.run(
        "flit",
        "publish",
        FLIT_INDEX_URL=index.upload_url,
        FLIT_USERNAME=account.name,
        FLIT_PASSWORD=account.password,
    )


Client = Callable[[Project, Index, Account], Ran]
every_client = pytest.mark.parametrize("client", [twine, uv, poetry, hatch, flit])


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """A server that every test publishes another project to."""
    with running(tmp_path_factory.mktemp("index")) as index:
        yield index


@pytest.fixture
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Project:
    """A project whose name no other test has, ready to publish."""
    name = "acme-" + "".join(c if c.isalnum() else "-" for c in request.node.name).strip("-")
    made = Project(name, tmp_path / "tree", Workstation(tmp_path))
    made.release("VALUE = 1\n")
    return made


def uploads(index: Index, since: int) -> list[int]:
    """The statuses of the uploads among the requests after the first ``since``."""
    lines = index.requests()[since:]
    return [line["status"] for line in lines if line["method"] == "POST"]


@every_client
def test_publishing_twice(client: Client, index: Index, project: Project) -> None:
    """A release is published, and publishing it again succeeds and changes nothing."""
    first = client(project, index, UPLOADER)
    assert first.status == 0, first.output
    page = index.page(project.name)
    assert sorted(file["filename"] for file in page["files"]) == project.filenames()
    again = client(project, index, UPLOADER)
    assert again.status == 0, again.output
    assert index.page(project.name) == page


@every_client
def test_what_is_published_can_be_used(client: Client, index: Index, project: Project) -> None:
    """What any of them published is installed by uv, and is the code that was written."""
    assert client(project, index, UPLOADER).status == 0
    environment = project.workstation.environment()
    ran = environment.uv(index.simple_url(READER), "--only-binary", ":all:", project.name)
    assert ran.status == 0, ran.output
    assert environment.evaluate(f"{project.module}.VALUE", project.module) == "1"


@pytest.mark.parametrize("client", [twine, uv, poetry, flit])
def test_other_content_is_refused(client: Client, index: Index, project: Project) -> None:
    """Another file under a published name fails, once, and the client prints why and what to do."""
    assert client(project, index, UPLOADER).status == 0
    page, before = index.page(project.name), len(index.requests())
    project.release("VALUE = 2\n")
    ran = client(project, index, UPLOADER)
    assert ran.status != 0
    assert "File already exists" in ran.output
    assert "raise the version and upload that" in ran.output
    assert uploads(index, before) == [400]
    assert index.page(project.name) == page


def test_hatch_skips_what_exists(index: Index, project: Project) -> None:
    """hatch looks at the index first, and says of each file that it is there."""
    assert hatch(project, index, UPLOADER).status == 0
    before = len(index.requests())
    project.release("VALUE = 2\n")
    ran = hatch(project, index, UPLOADER)
    assert (ran.status, ran.output.count("already exists")) == (0, 2)
    assert uploads(index, before) == []


def test_uv_with_a_check_url(index: Index, project: Project) -> None:
    """``uv publish --check-url`` skips what exists, and refuses other content before sending it."""
    check = ("--check-url", index.simple_url(UPLOADER))
    assert uv(project, index, UPLOADER, *check).status == 0
    before = len(index.requests())
    again = uv(project, index, UPLOADER, *check)
    assert (again.status, again.output.count("already exists, skipping")) == (0, 2)
    project.release("VALUE = 2\n")
    other = uv(project, index, UPLOADER, *check)
    assert other.status != 0
    assert "do not match" in other.output
    assert uploads(index, before) == []


def test_poetry_skipping_existing(index: Index, project: Project) -> None:
    """``poetry publish --skip-existing`` takes the refusal of other content for a file that is there."""
    assert poetry(project, index, UPLOADER).status == 0
    project.release("VALUE = 2\n")
    ran = poetry(project, index, UPLOADER, "--skip-existing")
    assert ran.status == 0, ran.output
    assert ran.output.count("File exists. Skipping") == 2


@pytest.mark.parametrize(
    ("account", "status", "cause"),
    [
        (STRANGER, 401, "This index needs a user name and a password"),
        (READER, 403, "user 'reader' may read but not upload: ask for the upload role"),
    ],
    ids=["wrong password", "reader"],
)
@every_client
def test_who_may_not_publish(
    client: Client, index: Index, project: Project, account: Account, status: int, cause: str
) -> None:
    """A wrong password and a missing role end in one refused upload, and the client prints the cause."""
    before = len(index.requests())
    ran = client(project, index, account)
    assert ran.status != 0
    assert cause in ran.output
    assert uploads(index, before) == [status]
    assert index.request("GET", f"/simple/{project.name}/", READER).status == 404
