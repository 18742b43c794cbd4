"""``wheelyard user import``: users of other indexes sign in with the passwords that they had."""

import hashlib
import json
from pathlib import Path

import boto3
import passlib.hash
import pytest
from click.testing import CliRunner, Result
from moto import mock_aws

from indexes import Index
from wheelyard.access.rights import Rights, rights
from wheelyard.access.users import Users
from wheelyard.entry.cli import cli
from wheelyard.storage.directory import DirectoryStore

SALT = "RRoCSRzvYJ1xRra2TWzhqS70wn84Sb_ElKxpl49o3Y0"


class Importing:
    """The command, into a store of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = DirectoryStore(folder / "store")

    def __call__(self, kind: str, source: str | Path, *options: str, typed: str = "") -> Result:
        environ = {"WHEELYARD_STORE": str(self.folder / "store"), "UPSTREAM_INDEX_URL": "none"}
        arguments = ["user", "import", kind, str(source), *options]
        return CliRunner().invoke(cli, arguments, input=typed, env=environ)

    def write(self, text: str) -> Path:
        """A file of the text."""
        path = self.folder / "source"
        path.write_text(text)
        return path

    def users(self) -> dict[str | None, Rights]:
        """Who is there, and what they may do."""
        return {user.name: user.rights for user in Users(self.store).list()}

    def lets_in(self, name: str, password: str) -> bool:
        """Whether the index lets somebody in by these credentials."""
        return Index(self.store).ask("GET", "/simple/", (name, password)).status == 200


@pytest.fixture
def importing(tmp_path: Path) -> Importing:
    """The command."""
    return Importing(tmp_path)


def test_htpasswd(importing: Importing) -> None:
    """Users of an htpasswd file get the rights that are given, and their hashes become our own on use."""
    bcrypt = passlib.hash.bcrypt.using(rounds=4, ident="2y").hash("geheim")
    apr1 = passlib.hash.apr_md5_crypt.hash("geheim")
    source = importing.write(f"# pypiserver\nann:{bcrypt}\n\nbob:{apr1}\ncid:{{SHA}}4rQ=\n")
    assert importing("htpasswd", source).exit_code != 0
    assert importing.users() == {}
    source = importing.write(f"# pypiserver\nann:{bcrypt}\n\nbob:{apr1}\n")
    done = importing("htpasswd", source, "--upload-project", "acme-*")
    assert done.stderr.splitlines()[-1] == "2 of 2 users are taken in"
    assert importing.users() == dict.fromkeys(["ann", "bob"], rights(["acme-*"]))
    for name in ("ann", "bob"):
        assert importing.lets_in(name, "geheim")
        assert not importing.lets_in(name, "Geheim")
    assert {user.hash.split("$")[1] for user in Users(importing.store).list()} >= {"pbkdf2-sha512"}
    assert importing.lets_in("ann", "geheim")


def test_serverless_pypi(importing: Importing, tmp_path: Path) -> None:
    """serverless-pypi's records are taken as they are, rights included, also without a name."""
    folder = tmp_path / "old/users"
    folder.mkdir(parents=True)
    stored = passlib.hash.pbkdf2_sha512.using(rounds=25_000).hash("geheim")
    for name, upload in (("ann", True), ("bob", False)):
        key = hashlib.sha256(name.encode()).hexdigest()
        (folder / f"{key}.json").write_text(json.dumps({"hash": stored, "upload": upload}))
    (folder / "cid.json").write_text(json.dumps({"hash": stored, "upload": True}))
    assert importing("serverless-pypi", tmp_path / "old").exit_code == 0
    answers = {
        name: Index(importing.store).ask("POST", "/legacy/", (name, "geheim")).status
        for name in ("ann", "bob", "cid", "dan")
    }
    assert answers == {"ann": 400, "bob": 403, "cid": 400, "dan": 401}


@pytest.mark.parametrize(
    "written", ["ann:geheim,bob:pass:word", 'USERS="ann:geheim, bob:pass:word"\n']
)
def test_elasticpypi(importing: Importing, written: str) -> None:
    """elasticpypi's users are given hashes; their passwords are read from a file or standard input."""
    done = importing("elasticpypi", "-", "--upload", typed=written)
    assert done.exit_code == 0, done.output
    assert importing.users() == dict.fromkeys(["ann", "bob"], rights(True))
    assert importing.lets_in("ann", "geheim")
    assert importing.lets_in("bob", "pass:word")
    assert "geheim" not in done.output


def _s3pypi_value() -> str:
    hashed = hashlib.sha1(f"geheim{SALT}".encode(), usedforsecurity=False).hexdigest()
    return json.dumps({"password_hash": hashed, "password_salt": SALT}, indent=2)


def test_s3pypi_from_a_file(importing: Importing) -> None:
    """What the AWS command line prints of s3pypi's parameters is taken; other parameters are not."""
    parameters = [
        {"Name": "/s3pypi/pypi.example.com/users/ann", "Value": _s3pypi_value()},
        {"Name": "/other/parameter", "Value": "x"},
    ]
    source = importing.write(json.dumps({"Parameters": parameters}))
    assert importing("s3pypi", source).exit_code == 0
    assert importing.users() == {"ann": rights()}
    assert not importing.lets_in("ann", "wrong")
    assert importing.lets_in("ann", "geheim")


def test_s3pypi_from_aws(importing: Importing, monkeypatch: pytest.MonkeyPatch) -> None:
    """s3pypi's parameters are read where it keeps them, decrypted, page by page."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.client("ssm", region_name="us-east-1")
        for number in range(12):
            name = f"/s3pypi/pypi.example.com/users/user{number}"
            client.put_parameter(Name=name, Value=_s3pypi_value(), Type="SecureString")
        done = importing("s3pypi", "ssm:pypi.example.com")
    assert done.exit_code == 0, done.output
    assert len(importing.users()) == 12
    assert importing.lets_in("user7", "geheim")


def test_who_is_here_already_stays(importing: Importing) -> None:
    """An import changes nobody who is here, unless it is told to."""
    Users(importing.store).put("ann", "here", upload=True)
    done = importing("elasticpypi", "-", typed="ann:there,bob:there")
    assert "ann is here already" in done.stderr
    assert done.stderr.splitlines()[-1] == "1 of 2 users are taken in"
    assert importing.lets_in("ann", "here")
    importing("elasticpypi", "-", "--replace", typed="ann:there")
    assert importing.lets_in("ann", "there")
    assert importing.users()["ann"] == rights()


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("htpasswd", "ann:geheim\n", "line 1: a password hash is of no scheme"),
        ("htpasswd", "ann:$argon2id$v=19$m=8,t=1,p=1$c29t$AAAA\n", "line 1: a password hash"),
        ("htpasswd", "ann:$pbkdf2-sha512$x$AA$AA\n", "line 1"),
        ("htpasswd", ":x\n", "'' cannot be a username"),
        ("elasticpypi", "ann:geheim,bob", "user 2 is not written as name:password"),
        ("elasticpypi", "", "user 1 is not written"),
        ("s3pypi", "{", "is not JSON"),
        ("s3pypi", "[]", "no parameters of s3pypi"),
        ("s3pypi", '{"Parameters": [{"Name": "/s3pypi/d/users/ann", "Value": "{}"}]}', "KeyError"),
        ("serverless-pypi", "", "there is no folder 'users/'"),
    ],
)
def test_what_cannot_be_read(importing: Importing, kind: str, text: str, message: str) -> None:
    """A source that is wrong anywhere takes in nobody, and the error shows no password or hash."""
    done = importing(kind, importing.write(text))
    assert done.exit_code != 0
    assert message in str(done.exception)
    assert "geheim" not in str(done.exception)
    assert importing.users() == {}


def test_a_source_that_is_not_there(importing: Importing) -> None:
    """A file that is not there is said in one line."""
    done = importing("htpasswd", "/nowhere")
    assert "'/nowhere' cannot be read" in str(done.exception)
