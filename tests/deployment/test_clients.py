"""Real clients against the deployed stack, through its Function URLs."""

import secrets
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import clients
import tools
from clients import User
from distributions import BuiltDistribution, build_sdist, build_wheel
from stack import FunctionError, Stack

pytestmark = [pytest.mark.deployment, pytest.mark.xdist_group("deployment")]


@pytest.fixture(scope="module")
def publisher(stack: Stack) -> User:
    """A user who may upload."""
    user = User("publisher", secrets.token_urlsafe(16))
    stack.administer({"putUser": {**_fields(user), "upload": True}})
    return user


@pytest.fixture(scope="module")
def reader(stack: Stack) -> User:
    """A user who may not."""
    user = User("reader", secrets.token_urlsafe(16))
    stack.administer({"putUser": _fields(user)})
    return user


@pytest.fixture(scope="module")
def published(
    stack: Stack, publisher: User, tmp_path_factory: pytest.TempPathFactory
) -> list[BuiltDistribution]:
    """A wheel and an sdist, uploaded by twine."""
    files = [build_wheel("acme-rocket", "1.0"), build_sdist("acme-rocket", "1.0")]
    done = clients.twine(stack, publisher, tmp_path_factory.mktemp("published"), *files)
    assert done.returncode == 0, done.stdout
    return files


def test_pip_downloads(
    stack: Stack, reader: User, published: list[BuiltDistribution], tmp_path: Path
) -> None:
    """pip finds the wheel on the index and fetches it from S3, byte for byte."""
    tools.run(
        "pip",
        "download",
        "--isolated",
        "--no-cache-dir",
        "--index-url",
        reader.within(stack.index_url),
        "--dest",
        tmp_path,
        "acme-rocket==1.0",
        environ=tools.environment(PIP_CONFIG_FILE="/dev/null"),
    )
    wheel = published[0]
    assert (tmp_path / wheel.filename).read_bytes() == wheel.content


def test_uv_installs(
    stack: Stack, reader: User, published: list[BuiltDistribution], tmp_path: Path
) -> None:
    """uv installs it from there."""
    tools.run(
        "uv",
        "pip",
        "install",
        "--no-config",
        "--no-cache",
        "--index-url",
        reader.within(stack.index_url),
        "--target",
        tmp_path,
        "acme-rocket",
        environ=tools.environment(UV_FIND_LINKS=""),
    )
    assert (tmp_path / "acme_rocket").is_dir()


def test_same_upload_again(
    stack: Stack, publisher: User, published: list[BuiltDistribution], tmp_path: Path
) -> None:
    """The very same files can be uploaded again."""
    assert clients.twine(stack, publisher, tmp_path, *published).returncode == 0


def test_other_content(
    stack: Stack, publisher: User, published: list[BuiltDistribution], tmp_path: Path
) -> None:
    """Another file under a published name is refused, and twine says why."""
    other = build_wheel("acme-rocket", "1.0", files={"acme_rocket/__init__.py": b"changed = 1\n"})
    assert other.filename == published[0].filename
    refused = clients.twine(stack, publisher, tmp_path, other)
    assert refused.returncode != 0
    assert "File already exists" in refused.stdout


def test_reader_may_not_upload(
    stack: Stack, reader: User, published: list[BuiltDistribution], tmp_path: Path
) -> None:
    """A user without the upload role is refused."""
    refused = clients.twine(stack, reader, tmp_path, published[0])
    assert refused.returncode != 0
    assert "403" in refused.stdout


def test_request_function_takes_no_uploads(
    stack: Stack, publisher: User, published: list[BuiltDistribution], tmp_path: Path
) -> None:
    """Uploading works by the upload function only, whoever one is."""
    elsewhere = stack._replace(upload_url=stack.index_url)
    refused = clients.twine(elsewhere, publisher, tmp_path, published[0])
    assert refused.returncode != 0
    assert "405" in refused.stdout


def test_file_is_a_redirect_to_s3(
    stack: Stack, reader: User, published: list[BuiltDistribution]
) -> None:
    """A file's address leads to a presigned link, which nobody keeps and which needs no credentials."""
    wheel = published[0]
    answer = clients.get(f"{stack.index_url}acme-rocket/{wheel.filename}", reader)
    assert answer.status == 302
    assert answer.headers["cache-control"] == "no-store"
    link = answer.headers["location"]
    assert urlsplit(link).path == f"/{stack.bucket}/packages/acme-rocket/{wheel.filename}"
    assert clients.get(link).body == wheel.content
    assert clients.get(link.replace("X-Amz-Signature=", "X-Amz-Signature=0")).status == 403


@pytest.mark.parametrize("accept", ["text/html", "application/vnd.pypi.simple.v1+json"])
def test_pages(stack: Stack, reader: User, published: list[BuiltDistribution], accept: str) -> None:
    """The project's page comes in both forms, and names each file."""
    answer = clients.get(f"{stack.index_url}acme-rocket/", reader, accept=accept)
    assert answer.status == 200
    assert answer.headers["content-type"].startswith(accept)
    for file in published:
        assert file.filename.encode() in answer.body


def test_without_credentials(stack: Stack) -> None:
    """Health answers everybody; anything else is 401 with the challenge."""
    for url in (stack.index_url, stack.upload_url):
        root = url.removesuffix("simple/")
        assert clients.get(f"{root}-/health").status == 200
        answer = clients.get(f"{root}simple/")
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Basic realm=")


def test_removed_user(stack: Stack) -> None:
    """A user who was removed is nobody, and removing them again says so."""
    user = User("leaver", secrets.token_urlsafe(16))
    assert stack.administer({"putUser": _fields(user)}) == {"user": "leaver", "upload": False}
    removed = {"user": "leaver", "removed": True, "tokens": 0}
    assert stack.administer({"removeUser": "leaver"}) == removed
    assert stack.administer({"removeUser": "leaver"}) == {**removed, "removed": False}
    assert clients.get(stack.index_url, user).status == 401


def test_wrong_payload(stack: Stack) -> None:
    """A payload that is none of the orders is a function error that names the place in it."""
    with pytest.raises(FunctionError, match=r"\$\.putUser\.upload"):
        stack.administer({"putUser": {"username": "a", "password": "b", "upload": "yes"}})


def _fields(user: User) -> dict[str, str]:
    return {"username": user.name, "password": user.password}
