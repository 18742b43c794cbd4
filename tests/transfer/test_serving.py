"""A static export served by a web server: the clients install from it."""

from pathlib import Path

import pytest
import requests

from distributions import build_sdist, build_wheel
from indexes import HTML, JSON, Index
from nginx import executable, nginx
from wheelyard.storage.directory import DirectoryStore
from wheelyard.transfer.export.exporter import Exporter
from wheelyard.transfer.export.options import Options
from wheelyard.transfer.export.plan import make_plan
from wheelyard.transfer.folder import Folder
from workstation import Workstation

NEEDS = build_wheel("acme-app", "1.0", requires=["acme-lib>=1"])
LIB = build_wheel("acme-lib", "1.2+local.3")
SDIST = build_sdist("acme-lib", "1.2+local.3")

PLAIN = Options()

pytestmark = pytest.mark.skipif(
    executable() is None, reason="nginx is not installed: apt-get install nginx-light"
)


def exported(folder: Path, options: Options = PLAIN) -> Path:
    """The folder of an export with two projects."""
    store = DirectoryStore(folder / "store")
    index = Index(store)
    for file in (NEEDS, LIB, SDIST):
        assert index.upload(file).status == 200
    target = Folder(folder / "export")
    Exporter(store, target, make_plan(store, options, {})).run()
    return target.root


@pytest.mark.parametrize("client", ["pip", "uv"])
@pytest.mark.parametrize("json", [True, False])
def test_install(tmp_path: Path, client: str, json: bool) -> None:
    """pip and uv install a package and what it needs, by the JSON pages and by the HTML ones."""
    root, target = exported(tmp_path, Options(json=json)), tmp_path / "installed"
    command = {
        "pip": ["pip", "install", "--no-cache-dir", "--index-url"],
        "uv": ["uv", "pip", "install", "--no-cache", "--default-index"],
    }[client]
    with nginx(tmp_path, root) as url:
        done = Workstation(tmp_path).run(*command, url, "--target", target, "acme-app")
    assert done.status == 0, done.output
    assert (target / "acme_app/__init__.py").exists()
    assert (target / "acme_lib/__init__.py").read_text() == '__version__ = "1.2+local.3"\n'


@pytest.mark.parametrize(
    ("accept", "answered"),
    [
        (f"{JSON}, {HTML};q=0.2, text/html;q=0.01", JSON),
        ("application/vnd.pypi.simple.latest+json", JSON),
        (f"{JSON}, */*;q=0.1", JSON),
        (HTML, "text/html; charset=utf-8"),
        ("text/html", "text/html; charset=utf-8"),
        ("*/*", "text/html; charset=utf-8"),
    ],
)
def test_negotiation(tmp_path: Path, accept: str, answered: str) -> None:
    """Who accepts JSON gets it, from the root listing and from a project's page; everybody else HTML."""
    with nginx(tmp_path, exported(tmp_path)) as url:
        for page in (url, f"{url}acme-lib/"):
            found = requests.get(page, headers={"accept": accept}, timeout=5)
            assert found.status_code == 200
            assert found.headers["content-type"] == answered
            assert found.headers["vary"].startswith("Accept")
            assert found.headers["cache-control"] == "private, max-age=0"
            tag = found.headers["etag"]
            again = requests.get(page, headers={"accept": accept, "if-none-match": tag}, timeout=5)
            assert again.status_code == 304


def test_files(tmp_path: Path) -> None:
    """Files are sent as they are and may be kept; a slash is added; the manifest is not shown."""
    with nginx(tmp_path, exported(tmp_path)) as url:
        file = requests.get(f"{url}acme-lib/{SDIST.filename.replace('+', '%2B')}", timeout=5)
        assert (file.content, file.headers["content-type"]) == (
            SDIST.content,
            "application/octet-stream",
        )
        assert "content-encoding" not in file.headers
        assert file.headers["cache-control"] == "private, max-age=31536000, immutable"
        moved = requests.get(f"{url}acme-lib", allow_redirects=False, timeout=5)
        assert (moved.status_code, moved.headers["location"]) == (301, "/simple/acme-lib/")
        assert requests.get(f"{url}.wheelyard-export.json", timeout=5).status_code == 404
