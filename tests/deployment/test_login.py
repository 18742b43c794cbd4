"""Signing in at the deployed stack, and managing it, as people do: by commands, with AWS credentials."""

import json
import os
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import clients
import tools
from clients import User
from distributions import BuiltDistribution, build_wheel
from stack import NAME, Stack

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = [pytest.mark.deployment, pytest.mark.xdist_group("deployment")]

WHEEL = build_wheel("acme-probe", "1.0")


class Person:
    """Somebody with AWS credentials, a home, and ``wheelyard`` and ``keyring`` in the path."""

    def __init__(self, stack: Stack, home: Path) -> None:
        self.stack = stack
        self.home = home
        self._commands = home / "bin"
        self._commands.mkdir(parents=True)
        for name in ("wheelyard", "keyring"):
            self._command(name)
        self._installed = _installed(home / "site")

    def _command(self, module: str) -> None:
        command = self._commands / module
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {module} "$@"\n')
        command.chmod(0o755)

    @property
    def environment(self) -> dict[str, str]:
        """Their environment, without anybody's settings of pip, uv or Python."""
        names = ("PIP_", "UV_", "TWINE_", "PYTHON", "XDG_", "WHEELYARD_")
        inherited = tools.environment(**self.stack.emulator.environment)
        kept = {name: value for name, value in inherited.items() if not name.startswith(names)}
        path = os.pathsep.join([str(self._commands), kept["PATH"]])
        packages = os.pathsep.join([str(self._installed), str(tools.ROOT / "layers/wheelyard")])
        return kept | {"HOME": str(self.home), "PATH": path, "PYTHONPATH": packages}

    def run(self, *command: str | Path, **changes: str) -> "subprocess.CompletedProcess[str]":
        """Run a command that succeeds."""
        done = subprocess.run(
            list(map(str, command)),
            env=self.environment | changes,
            cwd=self.home,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def login(self, *options: str) -> str:
        """Sign in; the emulator's addresses are not those of the stack's outputs."""
        urls = ("--index-url", self.stack.index_url, "--upload-url", self.stack.upload_url)
        return self.run("wheelyard", "login", "--stack", NAME, *urls, *options).stdout

    def logins(self) -> list[dict[str, Any]]:
        """What is remembered of sign-ins."""
        file = self.home / ".config/wheelyard/logins.json"
        found: list[dict[str, Any]] = json.loads(file.read_text())["logins"]
        return found

    def manage(self, *command: str) -> Any:
        """A management command's answer."""
        return json.loads(self.run("wheelyard", *command, "--stack", NAME, "--json").stdout)


def _installed(folder: Path) -> Path:
    """The package's entry points, as an installation has them."""
    project = tomllib.loads((tools.ROOT / "layers/wheelyard/pyproject.toml").read_text())["project"]
    info = folder / f"wheelyard-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.4\nName: wheelyard\nVersion: {project['version']}\n"
    )
    groups: Mapping[str, Mapping[str, str]] = project["entry-points"]
    lines = [
        line
        for group, points in groups.items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in points.items()))
    ]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def person(stack: Stack, tmp_path: Path) -> Person:
    """A person who has not signed in yet."""
    return Person(stack, tmp_path / "home")


@pytest.fixture(scope="module")
def published(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> BuiltDistribution:
    """A wheel on the index."""
    user = User("probe-publisher", "correct-horse-battery-4711")
    stack.administer(
        {"putUser": {"username": user.name, "password": user.password, "upload": True}}
    )
    done = clients.twine(stack, user, tmp_path_factory.mktemp("published"), WHEEL)
    assert done.returncode == 0, done.stdout
    return WHEEL


def pip_downloads(person: Person, *options: str) -> bool:
    """Whether pip, with no other configuration than the person's own, gets the wheel."""
    folder = person.home / "downloaded"
    arguments = ("download", "--no-input", "--no-cache-dir", "--no-deps", "--dest", folder)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    person.run(*pip, *arguments, *options, "acme-probe==1.0")
    return (folder / WHEEL.filename).read_bytes() == WHEEL.content


def uv_installs(person: Person, *options: str) -> bool:
    """Whether uv does."""
    folder = person.home / "installed"
    arguments = ("pip", "install", "--no-cache", "--target", folder, "--python", sys.executable)
    person.run(tools.tool("uv"), *arguments, *options, "acme-probe==1.0")
    return (folder / "acme_probe/__init__.py").exists()


def test_configured(person: Person, published: BuiltDistribution) -> None:
    """After signing in, pip and uv install, and twine publishes, without being told more."""
    person.login("--upload")
    assert pip_downloads(person)
    assert uv_installs(person)
    newer = build_wheel("acme-probe", "1.1")
    (person.home / newer.filename).write_bytes(newer.content)
    person.run(
        tools.tool("twine"), "upload", "--non-interactive", "-r", "wheelyard", newer.filename
    )
    versions = [release["version"] for release in person.manage("release", "list", "acme-probe")]
    assert "1.1" in versions


@pytest.mark.parametrize("provider", ["subprocess", "import"])
def test_pip_with_keyring(person: Person, published: BuiltDistribution, provider: str) -> None:
    """pip gets the token from the keyring backend, in either way, and stores it nowhere."""
    person.login("--keyring")
    assert pip_downloads(person, "--keyring-provider", provider)


def test_uv_with_keyring(person: Person, published: BuiltDistribution) -> None:
    """uv gets the token from the keyring backend, for installing and for publishing."""
    person.login("--keyring", "--tool", "uv", "--upload")
    assert uv_installs(person)
    newer = build_wheel("acme-probe", "1.2")
    (person.home / newer.filename).write_bytes(newer.content)
    uv = tools.tool("uv")
    person.run(
        uv, "publish", "--username", "__token__", "--trusted-publishing", "never", newer.filename
    )
    versions = [release["version"] for release in person.manage("release", "list", "acme-probe")]
    assert "1.2" in versions


def test_renewal(person: Person, published: BuiltDistribution) -> None:
    """A token that has ended is renewed by the keyring alone, with the AWS credentials."""
    person.login("--keyring", "--lifetime", "2s")
    (before,) = person.logins()
    time.sleep(max(0.0, before["expires"] - time.time() + 0.1))
    assert pip_downloads(person)
    (after,) = person.logins()
    assert after["token"] != before["token"]
    file = person.home / ".config/wheelyard/logins.json"
    file.write_text(json.dumps({"logins": [after | {"lifetime": 3600, "expires": 0}]}))
    assert uv_installs(person)
    assert person.logins()[0]["expires"] > time.time() + 3000


def test_without_aws_credentials(person: Person, published: BuiltDistribution) -> None:
    """Who has no AWS credentials is not signed in, and told so in one line."""
    broken = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1"}
    done = subprocess.run(
        ["wheelyard", "login", "--stack", NAME],
        env=person.environment | broken,
        executable=str(person.home / "bin/wheelyard"),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"wheelyard: error: stack '{NAME}' cannot be asked")
    assert len(done.stderr.splitlines()) == 1


def test_printed(person: Person, published: BuiltDistribution) -> None:
    """For a shell, the configuration is printed and nothing is written."""
    printed = person.login("--print")
    assert not (person.home / ".config").exists()
    lines = (line.removeprefix("export ").partition("=") for line in printed.splitlines())
    variables = {name: value.strip("'") for name, _, value in lines}
    folder = person.home / "downloaded"
    person.run(
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--no-cache-dir"),
        *("--dest", folder, "acme-probe==1.0"),
        **variables,
    )
    assert (folder / WHEEL.filename).exists()


def test_management(person: Person, published: BuiltDistribution) -> None:
    """Commands with --stack manage the deployed index, and the trail says who gave them."""
    assert "acme-probe" in [found["project"] for found in person.manage("project", "list")]
    yanked = person.manage("release", "yank", "acme-probe", "1", "--reason", "explodes", "--yes")
    assert yanked["files"] == [WHEEL.filename]
    assert person.manage("release", "list", "acme-probe")[0]["yanked"] == "explodes"
    assert person.manage("release", "unyank", "acme-probe", "1.0.0", "--yes")["changed"]
    told = person.manage("audit", "--project", "acme-probe", "--since", "1h")
    assert [event["action"] for event in told][:2] == ["unyank", "yank"]
    assert {event["via"] for event in told[:2]} == {"admin function"}
    assert all(event["request_id"] for event in told[:2])
    assert told[-1]["files"] == [{"filename": WHEEL.filename, "sha256": WHEEL.sha256}]
    assert told[-1]["user"] == "probe-publisher"


def test_tokens(person: Person) -> None:
    """A login's token is in the list of tokens, belongs to the AWS user, and can be revoked."""
    person.login()
    (login,) = person.logins()
    tokens = person.manage("token", "list")
    (mine,) = (token for token in tokens if token["id"] in login["token"])
    assert mine["owner"] == "root"  # whom the emulator takes everybody for
    assert mine["upload"] is False
    person.run("wheelyard", "token", "revoke", mine["id"], "--stack", NAME)
    assert mine["id"] not in [token["id"] for token in person.manage("token", "list")]
