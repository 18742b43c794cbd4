"""Starting the one-machine server: the checks before, the first user, and the lines to paste."""

import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from ipaddress import ip_address

import click

from wheelyard.access.passwords import make_password
from wheelyard.access.users import Users
from wheelyard.audit.event import Actor
from wheelyard.audit.trail import Trail
from wheelyard.entry.reindexer import Reindexer, reindex_in_background
from wheelyard.entry.reindexing import hidden_names
from wheelyard.entry.server import ServeOptions, log_to_standard_error, serve
from wheelyard.errors import InvalidSetting
from wheelyard.settings import Settings
from wheelyard.storage.opening import open_store
from wheelyard.storage.staging import sweep
from wheelyard.storage.store import Store

FIRST_USER = "admin"


def start(
    options: ServeOptions,
    env: Mapping[str, str],
    said: str,
    reindex_every: float | None = None,
) -> None:
    """Serve until interrupted, and reindex at intervals of so many seconds.

    ``said`` is a line about what is mirrored.

    Raises ``InvalidSetting`` for a setting, address or certificate that cannot be used, and
    ``StorageError``.
    """
    settings = Settings.from_env(env)
    log_to_standard_error(settings.logging_level)
    _check_address(options.host, options.port)
    _check_certificate(options)
    store = open_store(options.store, env, settings.presign_lifetime)
    if (staging := store.staging()) is not None:
        sweep(staging)
    password = _first_password(store, settings.password_rounds)
    click.echo(_banner(options, password, said))
    with _reindexing(settings, store, options.store, env, reindex_every):
        serve(options)
    click.echo("Stopped.")


@contextmanager
def _reindexing(
    settings: Settings, store: Store, location: str, env: Mapping[str, str], every: float | None
) -> Iterator[None]:
    if settings.upstream.mode != "mirror" or not settings.upstream.location:
        yield
        return
    hidden = hidden_names(settings.upstream)
    end = reindex_in_background(Reindexer(store, hidden, every, time.monotonic), location, env)
    try:
        yield
    finally:
        end()


def _check_address(host: str, port: int) -> None:
    """A taken port is told in one line now, rather than in a worker's traceback."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as error:
        raise InvalidSetting(
            f"cannot listen on {host!r} port {port}: {error.strerror}; use another HOST or PORT"
        ) from error


def _check_certificate(options: ServeOptions) -> None:
    if options.certificate is None:
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            options.certificate, options.key
        )
    except OSError as error:
        raise InvalidSetting(
            f"the certificate {options.certificate!r} and its key cannot be used: {error}"
        ) from error


def _first_password(store: Store, rounds: int) -> str | None:
    """The password of a user made for an empty store, None where there are users."""
    record = Trail(store).by(Actor("", "first start"))
    users = Users(store, rounds, record)
    if next(users.list(), None) is not None:
        return None
    password = make_password(24)
    users.put(FIRST_USER, password, upload=True)
    return password


def _banner(options: ServeOptions, password: str | None, said: str) -> str:
    host, scheme = options.host, options.scheme
    user = FIRST_USER if password else "USER"
    shown = password or "PASSWORD"
    origin = f"{f'[{host}]' if ':' in host else host}:{options.port}"
    index = f"{scheme}://{user}:{shown}@{origin}/simple/"
    trusted = "" if scheme == "https" or _is_loopback(host) else f"--trusted-host {origin} "
    lines = [
        f"Wheelyard serves {options.store} on {scheme}://{origin}/",
        said,
        "",
        "  Install:",
        f"    pip install {trusted}--index-url {index} PACKAGE",
        f"    uv pip install --default-index {index} PACKAGE",
        "  Publish:",
        f"    twine upload --repository-url {scheme}://{origin}/legacy/ -u {user} -p {shown} dist/*",
        f"    uv publish --publish-url {scheme}://{origin}/legacy/ -u {user} -p {shown} dist/*",
        "",
    ]
    if password:
        lines.insert(
            1, f"A first user was made, and its password is shown only now: {user} {shown}"
        )
    else:
        lines.insert(1, "Users: wheelyard user put NAME [--upload] --random-password 24")
    return "\n".join(lines)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
