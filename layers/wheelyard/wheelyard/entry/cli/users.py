"""``wheelyard user``: who may read and upload."""

import sys
from typing import Any

import click

from wheelyard.access.passwords import make_password
from wheelyard.access.rights import parse_rights
from wheelyard.entry.cli.answers import JSON, print_json
from wheelyard.entry.cli.rights import given_rights, rights_options
from wheelyard.entry.cli.target import target, target_options
from wheelyard.errors import InvalidUser


@click.group()
def user() -> None:
    """Who may read and upload."""


@user.command("put")
@click.argument("name")
@rights_options
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
@click.option(
    "--random-password",
    type=click.IntRange(8, 200),
    metavar="N",
    help="Make a password of N letters and digits, and print it.",
)
@target_options
def put_user(
    name: str,
    upload: bool,
    uploads: tuple[str, ...],
    reads: tuple[str, ...],
    password_stdin: bool,
    random_password: int | None,
    store: str,
    stack: str | None,
) -> None:
    """Add the user NAME, or give it another password and other rights."""
    given = given_rights(upload, uploads, reads)
    if password_stdin and random_password:
        raise click.UsageError("use either --password-stdin or --random-password")
    where = target(store, stack)
    if random_password:
        password = make_password(random_password)
    elif password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif sys.stdin.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        raise click.UsageError("give a password: --password-stdin or --random-password N")
    where.order("putUser", {"username": name, "password": password, **given.as_record()})
    click.echo(f"{name} may {given}", err=True)
    if random_password:
        click.echo(password)


@user.command("remove")
@click.argument("name")
@target_options
def remove_user(name: str, store: str, stack: str | None) -> None:
    """Remove the user NAME, and revoke the tokens that NAME owns."""
    done = target(store, stack).order("removeUser", name)
    revoked = done["tokens"]
    if not done["removed"] and not revoked:
        raise InvalidUser(f"there is no user {name!r}")
    click.echo(f"{name} is removed" + (f"; tokens revoked: {revoked}" if revoked else ""), err=True)


@user.command("list")
@target_options
@JSON
def list_users(store: str, stack: str | None, as_json: bool) -> None:
    """List the users and what they may do."""
    users: Any = target(store, stack).order("listUsers", {})["users"]
    if as_json:
        print_json(users)
        return
    for found in users:
        click.echo(f"{found['user'] or '(name not recorded)'}\t{parse_rights(found)}")
