"""``wheelyard login``: signing in at a deployed stack with AWS credentials."""

import os
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from wheelyard.client.configuration import TOOLS, configure, variables
from wheelyard.client.logins import Logins
from wheelyard.client.places import Places
from wheelyard.client.signin import Wanted, sign_in
from wheelyard.client.stack import Stack
from wheelyard.entry.cli.rights import Duration


@click.command()
@click.option("--stack", required=True, envvar="WHEELYARD_STACK", metavar="NAME")
@click.option("--region", help="Of the stack, where it is not your usual one.")
@click.option("--profile", help="Of your AWS credentials, where it is not your usual one.")
@click.option(
    "--tool",
    "tools",
    multiple=True,
    type=click.Choice(TOOLS),
    help="Configure this client; may be repeated. Without it, all of them.",
)
@click.option("--upload", is_flag=True, help="The token may upload as well as read.")
@click.option(
    "--lifetime",
    type=Duration(),
    default="12h",
    show_default=True,
    metavar="TIME",
    help="How long the token is good: 12h, 30m.",
)
@click.option(
    "--keyring", is_flag=True, help="Have the clients ask the keyring backend, which renews tokens."
)
@click.option(
    "--print", "printed", is_flag=True, help="Print variables for a shell, write nothing."
)
@click.option("--index-url", default="", help="The index's address, where the stack has another.")
@click.option("--upload-url", default="", help="The upload address, where the stack has another.")
def login(
    stack: str,
    region: str | None,
    profile: str | None,
    tools: tuple[str, ...],
    upload: bool,
    lifetime: timedelta,
    keyring: bool,
    printed: bool,
    index_url: str,
    upload_url: str,
) -> None:
    """Sign in at a deployed stack, and configure pip, uv, poetry and twine.

    The stack's admin function is invoked with your AWS credentials and gives a token of hours.
    """
    if printed and (keyring or tools):
        raise click.UsageError("--print goes with neither --keyring nor --tool")
    seconds = int(lifetime.total_seconds())
    wanted = Wanted(stack, region, profile, index_url, upload_url, upload, seconds)
    made = sign_in(wanted, Stack(stack, region, profile))
    until = datetime.fromtimestamp(made.expires, UTC)
    if printed:
        for name, value in variables(made).items():
            click.echo(f"export {name}={shlex.quote(value)}")
    else:
        places = Places.from_env(os.environ, Path.home())
        Logins(places.logins).put(made)
        for file, what in configure(made, places, tools or TOOLS, keyring=keyring):
            click.echo(f"{file}: {what}", err=True)
    click.echo(f"Signed in at {made.index_url} until {until:%Y-%m-%d %H:%M} UTC", err=True)
