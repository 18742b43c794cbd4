"""``wheelyard token``: API tokens."""

import time
from datetime import timedelta

import click

from wheelyard.access.lastuse import LastUse
from wheelyard.access.tokens import Token, Tokens
from wheelyard.entry.cli.rights import Duration, given_rights, rights_options
from wheelyard.entry.cli.store import STORE, opened
from wheelyard.errors import InvalidToken


@click.group()
def token() -> None:
    """Tokens for programs, which clients send as the password."""


@token.command("create")
@click.argument("owner")
@rights_options
@click.option(
    "--lifetime",
    type=Duration(),
    metavar="TIME",
    help="How long it is good: 90d, 12h, 30m. Without this, until it is revoked.",
)
@click.option("--description", default="", help="What it is for.")
@STORE
def create_token(
    owner: str,
    upload: bool,
    uploads: tuple[str, ...],
    reads: tuple[str, ...],
    lifetime: timedelta | None,
    description: str,
    store: str,
) -> None:
    """Make a token that belongs to OWNER, and print it: it is shown only now."""
    given = given_rights(upload, uploads, reads)
    made = Tokens(opened(store), time.time).create(owner, given, lifetime, description)
    click.echo(f"token {made.record.id} of {owner}: {given}", err=True)
    click.echo(made.secret)


@token.command("list")
@click.option("--owner", help="Only those of this owner.")
@STORE
def list_tokens(owner: str | None, store: str) -> None:
    """List the tokens: id, owner, what they may do, when they end, last use, description."""
    place = opened(store)
    uses = LastUse(place, time.time)
    tokens = sorted(Tokens(place, time.time).list(), key=lambda made: (made.owner, made.created))
    for made in tokens:
        if owner in (None, made.owner):
            used = uses.read(made.id)
            last = f"last used {used}" if used else "not used"
            columns = (made.id, made.owner, str(made.rights), _end(made), last, made.description)
            click.echo("\t".join(columns).rstrip("\t"))


@token.command("revoke")
@click.argument("token_id", metavar="ID")
@STORE
def revoke_token(token_id: str, store: str) -> None:
    """End the token with this ID (or this whole token)."""
    if not Tokens(opened(store), time.time).revoke(token_id):
        raise InvalidToken("there is no such token")
    click.echo("the token is revoked", err=True)


def _end(made: Token) -> str:
    if made.expires is None:
        return "does not end"
    ended = made.expired(time.time())
    return f"{'ended' if ended else 'ends'} {made.expires:%Y-%m-%d %H:%M} UTC"
