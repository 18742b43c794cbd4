"""``wheelyard rebuild``: what is listed, made again from what is stored."""

import os
import platform
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from wheelyard.client.stack import system_user
from wheelyard.entry.cli.store import STORE, opened
from wheelyard.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from wheelyard.publish.rebuild import Changes, Report
    from wheelyard.publish.survey import Survey


@click.command()
@STORE
def rebuild(store: str) -> None:
    """Make the project pages and the catalogue again from the stored files.

    Uploads may go on meanwhile, and nothing is absent at any moment. What was changed is printed; files
    that are not fit to be listed are named with the reason, and stay where they are.
    """
    from wheelyard.audit.event import Actor
    from wheelyard.audit.trail import Trail
    from wheelyard.index.catalogue import Catalogue
    from wheelyard.publish.rebuild import rebuild as run
    from wheelyard.publish.rules import Rules
    from wheelyard.publish.shelf import Shelf

    found = opened(store)
    shelf = Shelf(found, Catalogue(found), Rules.of(Settings.from_env(os.environ)))
    record = Trail(found).by(Actor(system_user(), "command line", client=platform.node()))
    with ExitStack() as shown:
        report = run(shelf, lambda survey: _bar(survey, shown), record)
    for line in _lines(report):
        click.echo(line)


def _bar(survey: "Survey", shown: ExitStack) -> "Callable[[int], None]":
    files = sum(len(folder.files) for folder in survey.folders)
    bar = shown.enter_context(
        click.progressbar(
            length=files,
            label="Checking files",
            file=sys.stderr,
            hidden=not sys.stderr.isatty(),
        )
    )
    return bar.update


def _lines(report: "Report") -> "Iterator[str]":
    for changes in report.changes:
        yield from _project_lines(changes)
    for refused in report.refused:
        yield f"not listed: {refused.key}: {refused.reason}"
    for name in report.catalogued:
        yield f"{name}: is in the catalogue again"
    for name in report.uncatalogued:
        yield f"{name}: is no longer in the catalogue"
    listed = sum(changes.rewritten for changes in report.changes)
    yield f"projects checked: {report.projects}, files: {report.files}; projects changed: {listed}"


def _project_lines(changes: "Changes") -> "Iterator[str]":
    for what, filenames in (
        ("listed", changes.added),
        ("no longer listed", changes.removed),
        ("listed with other details", changes.updated),
        ("its metadata was written anew", changes.repaired),
    ):
        for filename in filenames:
            yield f"{changes.project}: {filename}: {what}"
    for refused in changes.refused:
        yield f"not listed: {refused.key}: {refused.reason}"
    if changes.rewritten and not (changes.added or changes.removed or changes.updated):
        yield f"{changes.project}: its page was written anew"
