"""``wheelyard reindex``: take in upstream's names."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from wheelyard.entry.cli.store import STORE, opened
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
@STORE
def reindex(force: bool, relist: bool, upstream: str | None, store: str) -> None:
    """Take in the names that the upstream index has now.

    The index goes on serving what it knows until all is ready, and if anything fails. Of two runs at the
    same time the first to be ready counts.
    """
    from wheelyard.entry.mirroring import choose_upstream
    from wheelyard.entry.reindexing import reindex_of, run

    if upstream or "://" not in store:
        os.environ.update(choose_upstream(upstream, os.environ).environ)
    steps = reindex_of(Settings.from_env(os.environ), opened(store))
    activated = run(steps, force=force, relist=relist, bar=_bar)
    if activated is None:
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
