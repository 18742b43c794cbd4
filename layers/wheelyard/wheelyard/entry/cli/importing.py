"""``wheelyard import``: take in what another index has."""

import os
import platform
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from wheelyard.client.stack import system_user
from wheelyard.entry.cli.answers import print_table
from wheelyard.entry.cli.exporting import INCOMPLETE
from wheelyard.entry.cli.store import STORE, opened
from wheelyard.protocol.names import project_name
from wheelyard.settings import Settings

if TYPE_CHECKING:
    from wheelyard.publish.shelf import Shelf
    from wheelyard.storage.store import Store
    from wheelyard.transfer.importing.extras import Extra
    from wheelyard.transfer.importing.offers import Left, OtherIndex
    from wheelyard.transfer.importing.place_index import Layout
    from wheelyard.transfer.importing.planning import Decision, Plan

_COLUMNS = ("action", "project", "file", "bytes", "published", "reason")


@click.command("import")
@click.argument("location", envvar="WHEELYARD_IMPORT_FROM", metavar="DIR|s3://BUCKET/PREFIX|URL")
@STORE
@click.option(
    "--layout",
    type=click.Choice(["auto", "serverless-pypi", "folders", "flat"]),
    default="auto",
    show_default=True,
    help="How a directory or bucket is laid out. Folders: <project>/<file>, as s3pypi and "
    "terraform-aws-serverless-pypi have it; flat: files anywhere, as elasticpypi and pypiserver.",
)
@click.option("--prefix", default="", help="The folder in the bucket or directory.")
@click.option("--source-region", metavar="REGION", help="Of the bucket, if it is in another one.")
@click.option(
    "--project", "projects", multiple=True, metavar="NAME", help="Only this one; can be repeated."
)
@click.option(
    "--legacy/--no-legacy",
    default=True,
    show_default=True,
    help="Take eggs, .tar.bz2, .tar.xz and old spellings of filenames, whatever LEGACY_FORMATS says.",
)
@click.option(
    "--unlisted", is_flag=True, help="Take files that their project's page does not list."
)
@click.option("--users/--no-users", default=True, show_default=True, help="Take user records.")
@click.option("--cache", is_flag=True, help="Take the files of its upstream that it kept, too.")
@click.option(
    "--all", "everything", is_flag=True, help="Take an index with very many projects, too."
)
@click.option(
    "--dry-run", is_flag=True, help="Print what would be taken and what not, and do nothing."
)
def import_command(
    location: str,
    store: str,
    layout: str,
    prefix: str,
    source_region: str | None,
    projects: tuple[str, ...],
    legacy: bool,
    unlisted: bool,
    users: bool,
    cache: bool,
    everything: bool,
    dry_run: bool,
) -> None:
    """Take in what another index has: its files with their upload times and yanks, and its users.

    LOCATION is a directory, a bucket, or the URL of a simple index, which may hold a user and a password;
    it can be given as WHEELYARD_IMPORT_FROM as well. Every file is checked as an upload is, and against
    the digests of its page. What is there already is passed over, so an import can be repeated.

    The exit status is 3 if there are files that could not be taken.
    """
    from wheelyard.transfer.importing.opening import Choices, open_index
    from wheelyard.transfer.importing.planning import hides, make_plan

    wanted = {project_name(name) for name in projects}
    choices = Choices(cast("Layout", layout), prefix, source_region, unlisted, cache, everything)
    shelf = _shelf(store, legacy=legacy, make=not dry_run)
    index = open_index(location, choices, os.environ, store)
    click.echo(f"looking at {index.location}", err=True)
    offer = index.offer(wanted)
    plan = make_plan(shelf, index, offer if users else offer._replace(users={}))
    for name in hides(shelf.store, plan):
        click.echo(f"upstream's {name!r} will be hidden whole by the private one", err=True)
    if dry_run:
        _print_plan(plan)
        sys.exit(INCOMPLETE if plan.of("cannot") or offer.unreadable else 0)
    decisions, extras = _carry_out(shelf, index, plan)
    _print(_report_lines(plan, decisions, extras))
    failed = [each for each in extras if each.outcome == "cannot"]
    failed_files = [each for each in decisions if each.action == "cannot"]
    sys.exit(INCOMPLETE if failed or failed_files or offer.unreadable else 0)


def _shelf(location: str, *, legacy: bool, make: bool) -> "Shelf":
    from wheelyard.index.catalogue import Catalogue
    from wheelyard.publish.rules import Rules
    from wheelyard.publish.shelf import Shelf

    found = opened(location) if make or _exists(location) else _nothing()
    rules = Rules.of(Settings.from_env(os.environ))
    # Nothing that is here is replaced by what another index has.
    rules = rules._replace(overwrite=False, legacy_formats=legacy or rules.legacy_formats)
    return Shelf(found, Catalogue(found), rules)


def _exists(location: str) -> bool:
    return "://" in location or Path(location).expanduser().is_dir()


def _nothing() -> "Store":
    """In place of a store that only an import would make."""
    from obstore.store import MemoryStore

    from wheelyard.storage.objects import ObjectStore

    return ObjectStore(MemoryStore())


def _carry_out(
    shelf: "Shelf", index: "OtherIndex", plan: "Plan"
) -> "tuple[tuple[Decision, ...], list[Extra]]":
    from wheelyard.audit.event import Actor
    from wheelyard.audit.trail import Trail
    from wheelyard.transfer.importing.extras import take_cached, take_users
    from wheelyard.transfer.importing.importer import Importer

    actor = Actor(system_user(), "command line", client=platform.node())
    trail = Trail(shelf.store)
    with click.progressbar(
        length=len(plan.of("take")),
        label="Importing",
        file=sys.stderr,
        hidden=not sys.stderr.isatty(),
    ) as bar:
        done = Importer(shelf, index, trail, actor, bar.update).run(plan)
    extras = [*take_users(shelf.store, index, plan.offer, trail.by(actor))]
    extras += take_cached(shelf.store, index, plan.offer)
    return done, extras


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        # What others chose cannot move the cursor or hide a line.
        click.echo("".join(char if char.isprintable() else "\ufffd" for char in line))


def _print_plan(plan: "Plan") -> None:
    if plan.decisions:
        print_table([_row(decision) for decision in plan.decisions], _COLUMNS)
    _print(_plan_lines(plan))


def _row(decision: "Decision") -> dict[str, object]:
    candidate = decision.candidate
    return {
        "action": decision.action,
        "project": candidate.project,
        "file": candidate.filename,
        "bytes": candidate.size,
        "published": (candidate.upload_time or "")[:10],
        "reason": decision.reason,
    }


def _plan_lines(plan: "Plan") -> Iterator[str]:
    yield from (f"take: {place}" for place in plan.offer.users.values())
    yield from (f"take: {candidate.place}" for candidate in plan.offer.cached)
    yield from _left_lines(plan.offer.left)
    yield from (f"cannot be read: {each.place}: {each.reason}" for each in plan.offer.unreadable)
    size = sum(decision.candidate.size or 0 for decision in plan.of("take"))
    yield (
        f"files to take: {len(plan.of('take'))} ({size} bytes), there already: {len(plan.of('there'))}, "
        f"not to be had: {len(plan.of('cannot'))}; users: {len(plan.offer.users)}; nothing was changed"
    )


def _left_lines(left: "Iterable[Left]") -> Iterator[str]:
    yield from (f"left: {each.place}: {each.reason}" for each in left)


def _report_lines(
    plan: "Plan", decisions: "Sequence[Decision]", extras: "Sequence[Extra]"
) -> Iterator[str]:
    for decision in decisions:
        if decision.action == "cannot":
            yield f"not taken: {decision.candidate.place}: {decision.reason}"
        elif decision.reason:
            yield f"taken: {decision.candidate.place}, but {decision.reason}"
    for extra in extras:
        if extra.outcome == "cannot":
            yield f"not taken: {extra.place}: {extra.reason}"
    yield from _left_lines(plan.offer.left)
    yield from (f"cannot be read: {each.place}: {each.reason}" for each in plan.offer.unreadable)
    counts = Counter(decision.action for decision in decisions)
    more = sum(extra.outcome == "taken" for extra in extras)
    yield (
        f"files taken: {counts['take']}, there already: {counts['there']}, not to be had: "
        f"{counts['cannot']}; users and cached files taken: {more}"
    )
