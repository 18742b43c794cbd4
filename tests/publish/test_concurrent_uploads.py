"""Many uploads to one project at once, through several processes over one store."""

import hashlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from distributions import BuiltDistribution, build_wheel
from forms import CONTENT_TYPE, encode, parts
from running import READER, UPLOADER, Index
from wheelyard.access.users import Users
from wheelyard.storage.opening import open_store
from wheelyard.storage.store import Store

UPLOADS = 64
WHEELS = [build_wheel("acme-tools", f"1.{number}") for number in range(UPLOADS)]


class Place(NamedTuple):
    """Where a store is, and the variables by which it is opened."""

    location: str
    environ: Mapping[str, str]

    def open(self) -> Store:
        """The store, opened anew."""
        return open_store(self.location, self.environ, 900)


@pytest.fixture(params=["directory", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A new place to store things in."""
    location, environ = str(tmp_path / "store"), {}
    if request.param == "s3":
        server = request.getfixturevalue("s3_weed")
        location = f"s3://{server.new_bucket()}/index"
        environ = {
            "AWS_REGION": server.region,
            "AWS_ENDPOINT_URL_S3": server.url,
            "AWS_ACCESS_KEY_ID": server.credentials.access_key_id,
            "AWS_SECRET_ACCESS_KEY": server.credentials.secret_access_key,
        }
        for name, value in environ.items():
            monkeypatch.setenv(name, value)  # boto3 looks nowhere else
    return Place(location, environ)


@pytest.fixture
def servers(place: Place, tmp_path: Path) -> Iterator[list[Index]]:
    """Two server processes over one store."""
    users = Users(place.open())
    users.put(UPLOADER.name, UPLOADER.password, upload=True)
    users.put(READER.name, READER.password)
    with ExitStack() as stack:
        started = []
        for number in range(2):
            folder = tmp_path / f"server{number}"
            folder.mkdir()
            index = Index(folder, store=place.location, environ=place.environ)
            stack.callback(index.kill)
            index.start()
            started.append(index)
        yield started


def upload(index: Index, wheel: BuiltDistribution) -> int:
    """The status that an upload is answered with."""
    headers = {"Content-Type": CONTENT_TYPE}
    return index.request("POST", "/legacy/", UPLOADER, headers, encode(parts(wheel))).status


def test_all_are_listed(place: Place, servers: list[Index]) -> None:
    """64 uploads of different files, each sent to both servers: all listed, none twice, digests right."""
    with ThreadPoolExecutor(16) as pool:
        sent = [(index, wheel) for wheel in WHEELS for index in servers]
        statuses = list(pool.map(upload, *zip(*sent, strict=True)))
    assert statuses == [200] * (2 * UPLOADS)
    for index in servers:
        files = index.page("acme-tools")["files"]
        assert sorted(f["filename"] for f in files) == sorted(w.filename for w in WHEELS)
        listed = {file["filename"]: file["hashes"]["sha256"] for file in files}
        assert listed == {wheel.filename: wheel.sha256 for wheel in WHEELS}
    assert len(servers[0].page("acme-tools")["versions"]) == UPLOADS
    store = place.open()
    for wheel in WHEELS:
        stored = store.get(f"packages/acme-tools/{wheel.filename}").body
        assert hashlib.sha256(stored).hexdigest() == wheel.sha256


def test_one_of_many_contents_wins(servers: list[Index]) -> None:
    """Of 16 different files under one name exactly one is published, and the others are told so."""
    rivals = [
        build_wheel("acme-tools", "2.0", files={"acme_tools/__init__.py": f"n = {n}".encode()})
        for n in range(16)
    ]

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(upload, servers * 8, rivals))
    assert sorted(statuses) == [200] + [400] * 15
    [file] = servers[0].page("acme-tools")["files"]
    assert file["hashes"]["sha256"] == rivals[statuses.index(200)].sha256
