"""``wheelyard user import``: users of other indexes."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from wheelyard.access.importing import (
    ImportedUser,
    from_elasticpypi,
    from_htpasswd,
    from_s3pypi,
    from_serverless_pypi,
)
from wheelyard.entry.cli.rights import given_rights, rights_options
from wheelyard.entry.cli.target import target, target_options
from wheelyard.errors import InvalidUser
from wheelyard.settings import Settings
from wheelyard.storage.keys import USERS
from wheelyard.storage.opening import open_store

# s3pypi's users are read by functions at the edge, which live there.
_EDGE = "us-east-1"


@click.command("import")
@click.argument("kind", type=click.Choice(["htpasswd", "serverless-pypi", "elasticpypi", "s3pypi"]))
@click.argument("source")
@rights_options
@click.option("--replace", is_flag=True, help="Replace users of the same name.")
@target_options
def import_users(
    kind: str,
    source: str,
    upload: bool,
    uploads: tuple[str, ...],
    reads: tuple[str, ...],
    replace: bool,
    store: str,
    stack: str | None,
) -> None:
    """Take in the users of another index, with the passwords that they have.

    SOURCE is the htpasswd file; the store of serverless-pypi (a directory or s3://bucket/prefix, with
    users/ in it); a file with elasticpypi's USERS=name:password,…; for s3pypi, ssm:DOMAIN, or a file of
    what `aws ssm get-parameters-by-path --with-decryption` prints. A file may be - for standard input.

    They get the rights that the options give; serverless-pypi's records have rights of their own.
    """
    given = given_rights(upload, uploads, reads)
    # All is read before anything is written: a mistake in the last line takes in nobody.
    found = list(_READERS[kind](source))
    where, taken = target(store, stack), 0
    for one in found:
        order: dict[str, object] = {
            "digest": one.key.removeprefix(USERS).removesuffix(".json"),
            "hash": one.hash,
            "replace": replace,
            **(one.rights or given).as_record(),
        }
        done = where.order("importUser", order | ({"username": one.name} if one.name else {}))
        taken += bool(done["imported"])
        if not done["imported"]:
            click.echo(f"{one.name or 'a user'} is here already, and stays as they are", err=True)
    click.echo(f"{taken} of {len(found)} users are taken in", err=True)


def _htpasswd(source: str) -> Iterator[ImportedUser]:
    return from_htpasswd(_text(source))


def _serverless_pypi(source: str) -> Iterator[ImportedUser]:
    if "://" not in source and not Path(source, USERS).is_dir():
        raise InvalidUser(f"there is no folder {USERS!r} in {source!r}")
    old = open_store(source, os.environ, 60)
    stored = [(entry.key.removeprefix(USERS), old.get(entry.key).body) for entry in old.list(USERS)]
    return from_serverless_pypi(stored)


def _elasticpypi(source: str) -> Iterator[ImportedUser]:
    return from_elasticpypi(_text(source), Settings.from_env(os.environ).password_rounds)


def _s3pypi(source: str) -> Iterator[ImportedUser]:
    scheme, _, domain = source.partition(":")
    if scheme == "ssm" and domain:
        return from_s3pypi({"Parameters": _parameters(domain)})
    try:
        return from_s3pypi(json.loads(_text(source)))
    except ValueError as error:
        raise InvalidUser(f"{source!r} is not JSON") from error


def _parameters(domain: str) -> list[Any]:
    import boto3

    client = boto3.client("ssm", region_name=_EDGE)
    pages = client.get_paginator("get_parameters_by_path").paginate(
        Path=f"/s3pypi/{domain}/users/", WithDecryption=True
    )
    return [parameter for page in pages for parameter in page["Parameters"]]


def _text(source: str) -> str:
    try:
        return sys.stdin.read() if source == "-" else Path(source).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidUser(f"{source!r} cannot be read: {error}") from error


_READERS: dict[str, Callable[[str], Iterator[ImportedUser]]] = {
    "htpasswd": _htpasswd,
    "serverless-pypi": _serverless_pypi,
    "elasticpypi": _elasticpypi,
    "s3pypi": _s3pypi,
}
