"""The store that a command works on."""

import os
from pathlib import Path

import click

from wheelyard.settings import Settings
from wheelyard.storage.opening import open_store
from wheelyard.storage.store import Store

STORE = click.option(
    "--store",
    envvar="WHEELYARD_STORE",
    default=".wheelyard",
    show_default=True,
    metavar="DIR|s3://BUCKET/PREFIX",
    help="Where the index keeps everything.",
)


def opened(location: str) -> Store:
    """The store that ``--store`` names; one that is made for it is announced."""
    settings = Settings.from_env(os.environ)
    if "://" not in location and not Path(location).is_dir():
        click.echo(f"a new store is made in {location}", err=True)
    return open_store(location, os.environ, settings.presign_lifetime)
