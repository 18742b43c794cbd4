"""``wheelyard user``: who may read and upload."""

import os
import sys
import time

import click

from wheelyard.access.passwords import make_password
from wheelyard.access.tokens import Tokens
from wheelyard.access.users import Users
from wheelyard.entry.cli.rights import given_rights, rights_options
from wheelyard.entry.cli.store import STORE, opened
from wheelyard.errors import InvalidUser
from wheelyard.settings import Settings


@click.group()
def user() -> None:
    """Who may read and upload."""


@user.command("put")
@click.argument("name")
@rights_options
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option(
    "--random-password",
    type=click.IntRange(12, 200),
    metavar="N",
    help="Make a password of N letters and digits, and print it.",
)
@STORE
def put_user(
    name: str,
    upload: bool,
    uploads: tuple[str, ...],
    reads: tuple[str, ...],
    password_stdin: bool,
    random_password: int | None,
    store: str,
) -> None:
    """Add the user NAME, or give it another password and other rights."""
    given = given_rights(upload, uploads, reads)
    if password_stdin and random_password:
        raise click.UsageError("use either --password-stdin or --random-password")
    users = opened_users(store)
    if random_password:
        password = make_password(random_password)
    elif password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        raise click.UsageError("give a password: --password-stdin or --random-password N")
    users.put(name, password, rights=given)
    click.echo(f"{name} may {given}", err=True)
    if random_password:
        click.echo(password)


@user.command("remove")
@click.argument("name")
@STORE
def remove_user(name: str, store: str) -> None:
    """Remove the user NAME, and revoke the tokens that NAME owns."""
    place = opened(store)
    revoked = Tokens(place, time.time).revoke_owned(name)
    if not Users(place).remove(name) and not revoked:
        raise InvalidUser(f"there is no user {name!r}")
    click.echo(f"{name} is removed" + (f"; tokens revoked: {revoked}" if revoked else ""), err=True)


@user.command("list")
@STORE
def list_users(store: str) -> None:
    """List the users and what they may do."""
    users = sorted(opened_users(store).list(), key=lambda found: found.name or "")
    for found in users:
        click.echo(f"{found.name or '(name not recorded)'}\t{found.rights}")


def opened_users(location: str) -> Users:
    """The users of a store, with the cost of a password's hash that is set."""
    return Users(opened(location), Settings.from_env(os.environ).password_rounds)
