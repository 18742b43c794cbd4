"""``wheelyard export``: the index as files for any web server."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wheelyard.entry.cli.store import STORE, opened
from wheelyard.errors import InvalidSetting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wheelyard.storage.store import Store
    from wheelyard.transfer.export.exporter import Report
    from wheelyard.transfer.export.options import Options
    from wheelyard.transfer.export.plan import Plan
    from wheelyard.transfer.places import BucketName, Place

INCOMPLETE = 3
"""The exit status when all was done that could be, and something could not."""


@click.command("export")
@STORE
@click.option(
    "--to",
    "location",
    required=True,
    metavar="DIR|s3://BUCKET/PREFIX",
    help="Where the root page goes; the projects' folders stand beside it.",
)
@click.option(
    "--pages",
    type=click.Choice(["index.html", "directory-keys"]),
    default="index.html",
    show_default=True,
    help="What pages are called. Keys that end with '/' exist in buckets only.",
)
@click.option("--json/--no-json", default=True, help="JSON pages beside the HTML ones.")
@click.option(
    "--link",
    is_flag=True,
    help="Hard links to the store's files in place of copies, where possible.",
)
@click.option(
    "--files-url",
    metavar="URL",
    default="",
    help="Export no files: the pages link to this URL of the store's packages/ folder, absolute or "
    "relative to the root page.",
)
@click.option(
    "--index-url",
    metavar="URL",
    default="",
    help="The https URL that the root page will have. Attestations are announced only with it.",
)
@click.option("--full", is_flag=True, help="Write everything, whatever an earlier export wrote.")
@click.option("--allow-empty", is_flag=True, help="Export an index without any project, too.")
@click.option(
    "--dry-run", is_flag=True, help="Say what would be written and removed, and do nothing."
)
def export(
    store: str,
    location: str,
    pages: str,
    json: bool,
    link: bool,
    files_url: str,
    index_url: str,
    full: bool,
    allow_empty: bool,
    dry_run: bool,
) -> None:
    """Write the index as pages and files for a bucket or any web server.

    Only what changed since the last export is written. Files come first, then pages, and what is no
    longer wanted goes last, so that no page links to what is not there. The exit status is 3 if there
    are listed files that could not be exported.
    """
    from wheelyard.transfer.export.manifest import read_manifest
    from wheelyard.transfer.export.options import Options
    from wheelyard.transfer.export.plan import make_plan
    from wheelyard.transfer.opening import open_place
    from wheelyard.transfer.places import bucket_name

    options = Options(
        page_names="directory-keys" if pages == "directory-keys" else "index.html",
        json=json,
        link=link,
        files_url=_ended(files_url),
        index_url=_ended(index_url),
    )
    name = bucket_name(location)
    if name is None and options.page_names == "directory-keys":
        raise click.UsageError("a directory has no keys that end with '/': use --pages index.html")
    _check_store(store, location)
    found, target = opened(store), open_place(location, os.environ)
    written = {} if full else read_manifest(target)
    plan = make_plan(found, options, written, _root_key(name, options))
    if not plan.projects and not allow_empty:
        raise InvalidSetting(
            f"{store!r} has no project: name the right store, or say --allow-empty"
        )
    if dry_run:
        for line in _plan_lines(plan):
            click.echo(line)
        sys.exit(INCOMPLETE if plan.unfit else 0)
    report = _run(found, store, target, plan)
    for line in _report_lines(report):
        click.echo(line)
    sys.exit(INCOMPLETE if report.unfit else 0)


def _run(store: "Store", location: str, target: "Place", plan: "Plan") -> "Report":
    from wheelyard.transfer.export.exporter import Exporter
    from wheelyard.transfer.places import bucket_name

    with click.progressbar(
        length=plan.steps, label="Exporting", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        return Exporter(store, target, plan, bar.update, bucket_name(location)).run()


def _ended(url: str) -> str:
    return f"{url.rstrip('/')}/" if url else ""


def _root_key(name: "BucketName | None", options: "Options") -> str:
    """The root page's key; in a bucket's own root nothing can stand before the slash."""
    directory = options.page_names == "directory-keys" and name is not None and name.prefix
    return "" if directory else "index.html"


def _check_store(store: str, location: str) -> None:
    """No store is made for an export; and one among the store's own keys would be taken for projects."""
    if "://" not in store and not Path(store).expanduser().is_dir():
        raise InvalidSetting(f"there is no store in {store!r}")
    if _place(store) == _place(location):
        raise InvalidSetting(f"--to is {location!r}, the store itself: use another place")


def _place(location: str) -> str:
    from wheelyard.transfer.places import bucket_name

    return str(bucket_name(location) or Path(location).expanduser().resolve())


def _plan_lines(plan: "Plan") -> "Iterator[str]":
    yield from (f"write   {wanted.key}" for wanted in plan.files)
    yield from (f"write   {key or '(the root page)'}" for key in plan.pages)
    yield from (f"remove  {key}" for key in plan.removed)
    yield from (f"cannot  {unfit.key}: {unfit.reason}" for unfit in plan.unfit)
    yield (
        f"projects: {len(plan.projects)}; to write: {len(plan.files)} files ({plan.size} bytes) and "
        f"{len(plan.pages)} pages; to remove: {len(plan.removed)}; nothing was changed"
    )


def _report_lines(report: "Report") -> "Iterator[str]":
    yield from (f"not exported: {unfit.key}: {unfit.reason}" for unfit in report.unfit)
    yield (
        f"projects: {report.projects}; written: {report.files} files and {report.pages} pages; "
        f"removed: {report.removed}"
    )
