"""The command line, ``wheelyard``."""

import os
import sys
from pathlib import Path

import click

from wheelyard import __version__
from wheelyard.access.passwords import make_password
from wheelyard.access.users import Users
from wheelyard.errors import InvalidUser, WheelyardError
from wheelyard.settings import Settings
from wheelyard.storage.opening import open_store
from wheelyard.storage.store import Store

_STORE = click.option(
    "--store",
    envvar="WHEELYARD_STORE",
    default=".wheelyard",
    show_default=True,
    metavar="DIR|s3://BUCKET/PREFIX",
    help="Where the index keeps everything.",
)


def main() -> None:
    """Run the command line; an error is one line and exit status 1."""
    try:
        cli.main(prog_name="wheelyard", standalone_mode=False)
    except click.exceptions.Abort:
        _fail("interrupted")
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except WheelyardError as error:
        _fail(str(error))


def _fail(message: str) -> None:
    click.echo(f"wheelyard: error: {message}", err=True)
    sys.exit(1)


@click.group()
@click.version_option(__version__, message="wheelyard %(version)s")
def cli() -> None:
    """A private Python package index."""


@cli.command()
@_STORE
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes."
)
def serve(store: str, host: str, port: int, workers: int) -> None:
    """Serve the index from this machine."""
    from wheelyard.entry.serving import start

    start(store, host, port, workers, os.environ)


@cli.group()
def user() -> None:
    """Who may read and upload."""


@user.command("put")
@click.argument("name")
@click.option("--upload", is_flag=True, help="May upload as well as read.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option(
    "--random-password",
    type=click.IntRange(12, 200),
    metavar="N",
    help="Make a password of N letters and digits, and print it.",
)
@_STORE
def put_user(
    name: str, upload: bool, password_stdin: bool, random_password: int | None, store: str
) -> None:
    """Add the user NAME, or give it another password and role."""
    if password_stdin and random_password:
        raise click.UsageError("use either --password-stdin or --random-password")
    users = Users(_open(store))
    if random_password:
        password = make_password(random_password)
    elif password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        raise click.UsageError("give a password: --password-stdin or --random-password N")
    users.put(name, password, upload=upload)
    click.echo(f"{name} may read{' and upload' if upload else ''}", err=True)
    if random_password:
        click.echo(password)


@user.command("remove")
@click.argument("name")
@_STORE
def remove_user(name: str, store: str) -> None:
    """Remove the user NAME."""
    if not Users(_open(store)).remove(name):
        raise InvalidUser(f"there is no user {name!r}")
    click.echo(f"{name} is removed", err=True)


@user.command("list")
@_STORE
def list_users(store: str) -> None:
    """List the users and what they may do."""
    users = sorted(Users(_open(store)).list(), key=lambda found: found.name or "")
    for found in users:
        role = "read, upload" if found.upload else "read"
        click.echo(f"{found.name or '(name not recorded)'}\t{role}")


def _open(location: str) -> Store:
    settings = Settings.from_env(os.environ)
    if "://" not in location and not Path(location).is_dir():
        click.echo(f"a new store is made in {location}", err=True)
    return open_store(location, os.environ, settings.presign_lifetime)
