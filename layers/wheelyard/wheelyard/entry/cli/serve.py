"""``wheelyard serve``."""

import os

import click

from wheelyard.entry.cli.store import STORE


@click.command()
@STORE
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535))
@click.option(
    "--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes."
)
def serve(store: str, host: str, port: int, workers: int) -> None:
    """Serve the index from this machine."""
    from wheelyard.entry.serving import start

    start(store, host, port, workers, os.environ)
