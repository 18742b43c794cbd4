"""``wheelyard token``: API tokens."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from wheelyard.access.rights import parse_rights
from wheelyard.entry.cli.answers import JSON, print_json
from wheelyard.entry.cli.rights import Duration, given_rights, rights_options
from wheelyard.entry.cli.target import target, target_options
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
@target_options
def create_token(
    owner: str,
    upload: bool,
    uploads: tuple[str, ...],
    reads: tuple[str, ...],
    lifetime: timedelta | None,
    description: str,
    store: str,
    stack: str | None,
) -> None:
    """Make a token that belongs to OWNER, and print it: it is shown only now."""
    given = given_rights(upload, uploads, reads)
    wanted: dict[str, object] = {"owner": owner, "description": description, **given.as_record()}
    if lifetime is not None:
        wanted["lifetime"] = int(lifetime.total_seconds())
    made = target(store, stack).order("createToken", wanted)
    click.echo(f"token {made['id']} of {owner}: {given}", err=True)
    click.echo(made["token"])


@token.command("list")
@click.option("--owner", help="Only those of this owner.")
@target_options
@JSON
def list_tokens(owner: str | None, store: str, stack: str | None, as_json: bool) -> None:
    """List the tokens: id, owner, what they may do, when they end, last use, description."""
    asked = {"owner": owner} if owner else {}
    tokens: Any = target(store, stack).order("listTokens", asked)["tokens"]
    if as_json:
        print_json(tokens)
        return
    for made in tokens:
        used = made["lastUsed"]
        last = f"last used {used}" if used else "not used"
        rights = str(parse_rights(made))
        columns = (made["id"], made["owner"], rights, _end(made), last, made["description"])
        click.echo("\t".join(columns).rstrip("\t"))


@token.command("revoke")
@click.argument("token_id", metavar="ID")
@target_options
def revoke_token(token_id: str, store: str, stack: str | None) -> None:
    """End the token with this ID (or this whole token)."""
    if not target(store, stack).order("revokeToken", token_id)["revoked"]:
        raise InvalidToken("there is no such token")
    click.echo("the token is revoked", err=True)


def _end(made: Mapping[str, Any]) -> str:
    if made["expires"] is None:
        return "does not end"
    end = datetime.fromisoformat(made["expires"])
    return f"{'ended' if end <= datetime.now(UTC) else 'ends'} {end:%Y-%m-%d %H:%M} UTC"
