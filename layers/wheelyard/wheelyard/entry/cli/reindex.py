"""``wheelyard reindex``: take in upstream's names."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click
from click.core import ParameterSource

from wheelyard.client.stack import Stack
from wheelyard.entry.cli.store import opened
from wheelyard.entry.cli.target import asked_stack, target_options
from wheelyard.settings import Settings

# Until a listing is read, how long it will be is known only about: this is the public index's length.
_ABOUT = 900_000


@click.command()
@click.option(
    "--force",
    is_flag=True,
    help="Fetch the names even if upstream says they are unchanged, and activate the listing even if it "
    "lost more than a fifth of them.",
)
@click.option(
    "--relist",
    is_flag=True,
    help="Only make the root listing again, for private projects that are new; upstream is not asked.",
)
@click.option(
    "--upstream",
    envvar="UPSTREAM_INDEX_URL",
    metavar="URL",
    help="The simple index to take the names from. If not given and the store is a directory: the one that "
    "this machine's pip uses.",
)
@target_options
def reindex(force: bool, relist: bool, upstream: str | None, store: str, stack: str | None) -> None:
    """Take in the names that the upstream index has now.

    The index goes on serving what it knows until all is ready, and if anything fails. Of two runs at the
    same time the first to be ready counts.

    With --stack the stack's own workflow does it, with the stack's own upstream, and goes on where this
    command is interrupted.
    """
    asked = asked_stack(stack)
    if asked:
        _on(Stack(asked), force=force, relist=relist)
    else:
        _here(store, upstream, force=force, relist=relist)


def _on(stack: Stack, *, force: bool, relist: bool) -> None:
    source = click.get_current_context().get_parameter_source("upstream")
    if source is ParameterSource.COMMANDLINE:
        raise click.UsageError("--upstream is for --store: a stack has its own")
    payload = {name: True for name, wanted in (("force", force), ("relist", relist)) if wanted}
    click.echo(f"the workflow of stack {stack.name!r} is asked to run", err=True)
    said = stack.run("ReindexStateMachine", payload)
    if isinstance(said, dict) and "outcome" in said:
        _tell(said)
    else:  # as emulators have it that do not know the output of a map
        click.echo("the run succeeded")


def _here(store: str, upstream: str | None, *, force: bool, relist: bool) -> None:
    from wheelyard.entry.mirroring import choose_upstream
    from wheelyard.entry.reindexing import reindex_of, run

    if upstream or "://" not in store:
        os.environ.update(choose_upstream(upstream, os.environ).environ)
    steps = reindex_of(Settings.from_env(os.environ), opened(store))
    activated = run(steps, force=force, relist=relist, bar=_bar)
    _tell(activated or {"outcome": "unchanged"})


def _tell(activated: Mapping[str, Any]) -> None:
    if activated["outcome"] == "unchanged":
        click.echo("nothing has changed")
    elif activated["outcome"] == "superseded":
        click.echo("a newer run was ready first: its snapshot stays")
    else:
        click.echo(f"snapshot {activated['snapshot']} is active: {activated['names']:,} names")


@contextmanager
def _bar(name: str, length: int | None) -> Iterator[Callable[[int], None]]:
    with click.progressbar(
        length=length or _ABOUT,
        label=f"{name:<14}",
        file=sys.stderr,
        show_eta=length is None,
        hidden=not sys.stderr.isatty(),
    ) as bar:
        yield bar.update
        bar.length = bar.pos = max(bar.pos, 1)
        bar.render_progress()
