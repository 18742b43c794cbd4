"""``wheelyard user`` and ``wheelyard token``, as commands."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from indexes import Index
from wheelyard.access.users import Users
from wheelyard.entry.cli import cli
from wheelyard.storage.directory import DirectoryStore


class Command:
    """The command line on a store of the test's own."""

    def __init__(self, folder: Path) -> None:
        self.store = DirectoryStore(folder)
        self._folder = folder

    def __call__(self, *arguments: str, typed: str = "") -> Result:
        environ = {"WHEELYARD_STORE": str(self._folder), "UPSTREAM_INDEX_URL": "none"}
        return CliRunner().invoke(cli, arguments, input=typed, env=environ)

    def lines(self, *arguments: str) -> list[str]:
        """What a command that succeeds prints on standard output."""
        done = self(*arguments)
        assert done.exit_code == 0, done.output
        return done.stdout.splitlines()


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """The command line."""
    return Command(tmp_path / "store")


def test_limited_users(command: Command) -> None:
    """A user may be limited by repeated options, and the list says to what."""
    made = command("user", "put", "ann", "--password-stdin", "--upload-project", "acme-*",
                   "--read-project", "acme-*", "--read-project", "Shared", typed="geheim\n")  # fmt: skip
    assert made.exit_code == 0
    assert made.stderr.splitlines()[-1] == "ann may read acme-*, shared; upload acme-*"
    assert command.lines("user", "list") == ["ann\tread acme-*, shared; upload acme-*"]


def test_rounds(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password is hashed with as many rounds as are set."""
    monkeypatch.setenv("PASSWORD_ROUNDS", "12000")
    command.lines("user", "put", "ann", "--random-password", "20")
    (user,) = Users(command.store).list()
    assert user.hash.startswith("$pbkdf2-sha512$12000$")


def test_a_token_from_making_to_revoking(command: Command) -> None:
    """A token is printed once, alone on standard output, works, is listed by its id, and is revoked."""
    (secret,) = command.lines("token", "create", "ci", "--upload", "--lifetime", "90d",
                              "--description", "for the builds")  # fmt: skip
    index = Index(command.store)
    assert index.ask("GET", "/simple/", ("__token__", secret)).status == 200
    ((token_id, owner, rights, ends, _, description),) = [
        line.split("\t") for line in command.lines("token", "list")
    ]
    assert (owner, rights, description) == ("ci", "read, upload", "for the builds")
    assert ends.startswith("ends 20")
    assert token_id in secret
    assert command.lines("token", "list", "--owner", "somebody") == []
    assert command("token", "revoke", token_id).exit_code == 0
    assert command.lines("token", "list") == []
    again = command("token", "revoke", token_id)
    assert again.exit_code != 0
    assert "no such token" in str(again.exception)


def test_removing_a_user_revokes_their_tokens(command: Command) -> None:
    """The tokens of a user go with the user."""
    command.lines("user", "put", "ann", "--random-password", "20")
    command.lines("token", "create", "ann")
    command.lines("token", "create", "bob")
    removed = command("user", "remove", "ann")
    assert removed.stderr.splitlines()[-1] == "ann is removed; tokens revoked: 1"
    assert len(command.lines("token", "list")) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("token", "create", "ci", "--lifetime", "90"), "is no length of time"),
        (("token", "create", "ci", "--lifetime", "99999d"), "3660 days"),
        (("token", "create", "ci", "--upload", "--upload-project", "x"), "use either --upload"),
        (("token", "create", "ci", "--read-project", "*x"), "not a pattern"),
        (("token", "revoke", "x"), "no token id"),
        (("user", "put", "__token__", "--random-password", "20"), "clients send it"),
    ],
)
def test_mistakes(command: Command, arguments: tuple[str, ...], message: str) -> None:
    """A mistake is said, and nothing is made."""
    done = command(*arguments)
    assert done.exit_code != 0
    assert message in done.output + str(done.exception)
    assert command.lines("token", "list") == []


def test_trusted_publishers(command: Command) -> None:
    """A publisher is added with what its provider calls things, listed, and removed by its id."""
    (github,) = command.lines("publisher", "add", "github", "--repository", "acme/tools", "--owner-id",
                              "4711", "--workflow", "release.yml", "--environment", "pypi",
                              "--project", "acme-*", "--project", "tools")  # fmt: skip
    (gitlab,) = command.lines("publisher", "add", "gitlab", "--repository", "acme/tools", "--ref",
                              "main", "--claim", "ref_protected=true", "--project", "x",
                              "--issuer", "https://gitlab.example")  # fmt: skip
    claims = "repository=acme/tools repository_owner_id=4711 workflow=release.yml environment=pypi"
    first, second = (line.split("\t") for line in command.lines("publisher", "list"))
    assert first[0] == github
    assert first[3:] == [claims, "acme-*, tools"]
    claims = "project_path=acme/tools ref=main ref_protected=true"
    assert second == [gitlab, "gitlab", "https://gitlab.example", claims, "x"]
    assert command("publisher", "remove", github).exit_code == 0
    assert [line.split("\t")[0] for line in command.lines("publisher", "list")] == [gitlab]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("add", "oidc", "--claim", "sub", "--project", "x"), "NAME=VALUE"),
        (("add", "oidc", "--claim", "sub=x", "--project", "x"), "cannot be an issuer"),
        (("add", "github", "--project", "x"), "needs 'repository'"),
        (("add", "github", "--repository", "a/b"), "Missing option '--project'"),
        (("add", "jenkins", "--project", "x"), "'jenkins' is not one of"),
        (("remove", "nothing"), "there is no trusted publisher 'nothing'"),
    ],
)
def test_publisher_mistakes(command: Command, arguments: tuple[str, ...], message: str) -> None:
    """A mistake is said, and nobody is trusted."""
    done = command("publisher", *arguments)
    assert done.exit_code != 0
    assert message in done.output + str(done.exception)
    assert command.lines("publisher", "list") == []
