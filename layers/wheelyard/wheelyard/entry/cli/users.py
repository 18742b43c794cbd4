"""``wheelyard user``: who may read and upload."""

import sys

import click

from wheelyard.access.passwords import make_password
from wheelyard.access.users import Users
from wheelyard.entry.cli.store import STORE, opened
from wheelyard.errors import InvalidUser


@click.group()
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
@STORE
def put_user(
    name: str, upload: bool, password_stdin: bool, random_password: int | None, store: str
) -> None:
    """Add the user NAME, or give it another password and role."""
    if password_stdin and random_password:
        raise click.UsageError("use either --password-stdin or --random-password")
    users = Users(opened(store))
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
@STORE
def remove_user(name: str, store: str) -> None:
    """Remove the user NAME."""
    if not Users(opened(store)).remove(name):
        raise InvalidUser(f"there is no user {name!r}")
    click.echo(f"{name} is removed", err=True)


@user.command("list")
@STORE
def list_users(store: str) -> None:
    """List the users and what they may do."""
    users = sorted(Users(opened(store)).list(), key=lambda found: found.name or "")
    for found in users:
        role = "read, upload" if found.upload else "read"
        click.echo(f"{found.name or '(name not recorded)'}\t{role}")
