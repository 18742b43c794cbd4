"""pip and uv install private packages that depend on public ones, all through the one index."""

from pathlib import Path

import pytest

from distributions import build_sdist, build_wheel
from running import READER, UPLOADER, Index, add_users
from upstream import Upstream
from workstation import Environment, Ran, Workstation

PRIVATE = build_wheel("acme-app", "1.0", requires=["public-lib>=1"])
PUBLIC = build_wheel("public-lib", "1.5", requires=["deep-lib"], requires_python=">=3.9")
TOO_NEW = build_wheel("public-lib", "2.0", requires_python=">=4")
YANKED = build_wheel("public-lib", "1.9")
DEEP = build_wheel("deep-lib", "0.3")
DEEP_SOURCE = build_sdist("deep-lib", "0.3")
# What upstream offers under the private name must not matter.
EVIL = build_wheel("acme-app", "99.0")


def published(tmp_path: Path, upstream: Upstream, html: bool) -> Index:
    """An index with the private package, in front of upstream with the public ones."""
    upstream.html_only = html
    upstream.add(PUBLIC)
    upstream.add(TOO_NEW)
    upstream.add(YANKED, yanked="broken")
    upstream.add(DEEP, metadata=True)
    upstream.add(DEEP_SOURCE)
    upstream.add(EVIL)
    index = Index(tmp_path / "index", environ={"UPSTREAM_INDEX_URL": upstream.index})
    index.folder.mkdir()
    add_users(index.store)
    index.start()
    workstation = Workstation(tmp_path)
    (tmp_path / PRIVATE.filename).write_bytes(PRIVATE.content)
    uploaded = workstation.run(
        "twine",
        *("upload", "--non-interactive", "--repository-url", index.upload_url),
        *("-u", UPLOADER.name, "-p", UPLOADER.password, tmp_path / PRIVATE.filename),
    )
    assert uploaded.status == 0, uploaded.output
    return index


def installed(environment: Environment) -> dict[str, str]:
    """What was installed, and which version."""
    names = ("acme_app", "public_lib", "deep_lib")
    versions = ", ".join(f"{name}.__version__" for name in names)
    found = environment.evaluate(f'" ".join([{versions}])', *names).split()
    return dict(zip(names, found, strict=True))


def succeeded(ran: Ran) -> None:
    """With what the client printed where not."""
    assert ran.status == 0, ran.output


@pytest.mark.parametrize("html", [False, True], ids=["json", "html"])
def test_installing_with_upstream_and_without(
    tmp_path: Path, upstream: Upstream, html: bool
) -> None:
    """A second installation, with upstream stopped and from an empty cache, gives the same files."""
    index = published(tmp_path, upstream, html)
    expected = {"acme_app": "1.0", "public_lib": "1.5", "deep_lib": "0.3"}
    try:
        url = index.simple_url(READER)
        workstation = Workstation(tmp_path)
        before, by_uv = workstation.environment(), workstation.environment()
        succeeded(before.pip("install", url, "--no-cache-dir", "acme-app"))
        succeeded(before.pip("download", url, "--no-cache-dir", "-d", tmp_path / "1", "acme-app"))
        succeeded(by_uv.uv(url, "--no-cache", "acme-app"))
        assert installed(before) == installed(by_uv) == expected
        # Once a part of it, for its metadata, and once whole, however many clients.
        assert upstream.paths().count(f"/files/public-lib/{PUBLIC.filename}") == 2

        upstream.stop()
        index.stop()
        index.start()
        url = index.simple_url(READER)
        after, by_uv = workstation.environment(), workstation.environment()
        succeeded(after.pip("install", url, "--no-cache-dir", "acme-app"))
        succeeded(after.pip("download", url, "--no-cache-dir", "-d", tmp_path / "2", "acme-app"))
        succeeded(by_uv.uv(url, "--no-cache", "acme-app"))
        assert installed(after) == installed(by_uv) == expected
    finally:
        index.kill()
    first = {path.name: path.read_bytes() for path in (tmp_path / "1").iterdir()}
    second = {path.name: path.read_bytes() for path in (tmp_path / "2").iterdir()}
    assert first == second
    assert first == {built.filename: built.content for built in (PRIVATE, PUBLIC, DEEP)}
