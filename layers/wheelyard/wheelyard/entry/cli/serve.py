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
@click.option(
    "--reindex-every",
    type=click.FloatRange(min=0, min_open=True),
    metavar="MINUTES",
    help="Take in upstream's names now and then every so many minutes. [default: only by "
    "`wheelyard reindex`]",
)
@click.option(
    "--upstream",
    envvar="UPSTREAM_INDEX_URL",
    metavar="URL|none",
    help="The simple index to mirror. If not given, the one that this machine's pip uses.",
)
@click.option("--tls-cert", metavar="FILE", help="Serve HTTPS, with this certificate (PEM).")
@click.option("--tls-key", metavar="FILE", help="Its private key, if that is in another file.")
def serve(
    store: str,
    host: str,
    port: int,
    workers: int,
    reindex_every: float | None,
    upstream: str | None,
    tls_cert: str | None,
    tls_key: str | None,
) -> None:
    """Serve the index from this machine."""
    from wheelyard.entry.mirroring import choose_upstream
    from wheelyard.entry.server import ServeOptions
    from wheelyard.entry.serving import start

    if tls_key and not tls_cert:
        raise click.UsageError("--tls-key goes with --tls-cert")
    chosen = choose_upstream(upstream, os.environ)
    os.environ.update(chosen.environ)  # the processes that answer have it from there
    seconds = None if reindex_every is None else reindex_every * 60
    options = ServeOptions(store, host, port, workers, tls_cert, tls_key)
    start(options, os.environ, chosen.said, seconds)
