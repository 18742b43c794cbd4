"""``wheelyard upload``."""

import os
import sys
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import click

from wheelyard.errors import InvalidSetting

if TYPE_CHECKING:
    from collections.abc import Callable

    from wheelyard.client.files import Existing, Uploaded
    from wheelyard.client.session import Advance
    from wheelyard.storage.store import Store


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@click.option(
    "--index-url", envvar="WHEELYARD_INDEX_URL", metavar="URL", help="The index that takes uploads."
)
@click.option(
    "-u", "--username", help="Its user, if not from the URL, TWINE_USERNAME, netrc or keyring."
)
@click.option("-p", "--password", help="Its password or token, found likewise.")
@click.option(
    "--store", metavar="DIR|s3://BUCKET/PREFIX", help="Instead of an index: the store itself."
)
@click.option("--skip-existing", is_flag=True, help="Leave out files whose name is published.")
@click.option("--strict", is_flag=True, help="Refuse files that are published, identical ones too.")
@click.option("--force", is_flag=True, help="Replace published files, if the index allows that.")
@click.option(
    "--stage",
    is_flag=True,
    help="Publish nothing yet: print where pip can install it from. Without it, the same publishes.",
)
@click.option("--prefix", default="", help="With --store: a further prefix of all keys.")
@click.option("--profile", help="With --store: the AWS profile.")
@click.option("--region", help="With --store: the AWS region.")
@click.option("--s3-endpoint-url", metavar="URL", help="With --store: another S3.")
@click.option("--no-sign-request", is_flag=True, help="With --store: use no AWS credentials.")
@click.option("--sse", metavar="ALGORITHM", help="With --store: AES256, aws:kms or aws:kms:dsse.")
@click.option("--sse-kms-key-id", metavar="KEY", help="With --store: the key of aws:kms.")
@click.option("--sse-bucket-key", is_flag=True, help="With --store: spare requests to KMS.")
@click.option(
    "--put-args",
    "--s3-put-args",
    multiple=True,
    metavar="NAME=VALUE,…",
    help="With --store: more arguments of S3's PutObject, such as StorageClass=STANDARD_IA. Repeatable.",
)
def upload(
    files: tuple[str, ...],
    index_url: str | None,
    username: str | None,
    password: str | None,
    store: str | None,
    skip_existing: bool,
    strict: bool,
    force: bool,
    put_args: tuple[str, ...],
    stage: bool,
    **s3: str | bool | None,
) -> None:
    """Publish FILES, those of one release together or not at all.

    Large files are sent in parts. After a broken connection, start it again: it sends what is missing.
    Attestations (FILE.*.attestation) are sent with their files, and signatures (FILE.asc) that are given
    with them.
    """
    from wheelyard.client.files import Existing

    if (store is None) == (index_url is None):
        raise click.UsageError("give either --index-url or --store")
    if store is None and (put_args or any(s3.values())):
        raise click.UsageError("the options of S3 go with --store, not with --index-url")
    if stage and store is not None:
        raise click.UsageError("--stage goes with --index-url only: a store has no preview")
    if skip_existing + strict + force > 1:
        raise click.UsageError("use one of --skip-existing, --strict and --force")
    existing = Existing.SAME
    for flag, choice in (
        (skip_existing, Existing.SKIP),
        (strict, Existing.STRICT),
        (force, Existing.FORCE),
    ):
        existing = choice if flag else existing
    with ExitStack() as shown:
        if store is not None:
            from wheelyard.client.direct import upload_to_store

            opened = _opened(store, s3, put_args)
            done = upload_to_store(files, opened, existing=existing, progress=_bar(shown))
        else:
            done = _to_index(
                files, index_url or "", username, password, existing, _bar(shown), stage=stage
            )
    done_now = "staged" if stage else "published"
    for each in done:
        click.echo(f"{each.filename}: {done_now if each.published else 'was published before'}")


def _to_index(
    files: tuple[str, ...],
    index_url: str,
    username: str | None,
    password: str | None,
    existing: "Existing",
    progress: "Callable[[int], Advance]",
    *,
    stage: bool,
) -> "list[Uploaded]":
    from wheelyard.client.credentials import address, find_credentials
    from wheelyard.client.upload import upload as send

    credentials = find_credentials(
        address(index_url),
        os.environ,
        username=username,
        password=password,
        ask=_ask if sys.stdin.isatty() else None,
    )
    return send(
        files,
        index_url,
        credentials=credentials,
        existing=existing,
        progress=progress,
        staged=(lambda url: click.echo(f"staged at {url}")) if stage else None,
    )


def _ask(prompt: str) -> str:
    return str(click.prompt(prompt, hide_input=prompt == "Password", err=True))


_PUT_ARGS = {
    "sse": "ServerSideEncryption",
    "sse_kms_key_id": "SSEKMSKeyId",
    "sse_bucket_key": "BucketKeyEnabled",
}


def _opened(
    location: str, s3: "dict[str, str | bool | None]", put_args: tuple[str, ...]
) -> "Store":
    scheme, separator, rest = location.partition("://")
    if not separator or scheme != "s3":
        if put_args or any(s3.values()):
            raise InvalidSetting(
                f"--store is {location!r:.200}: options of S3 do not go with a directory"
            )
        from wheelyard.settings import Settings
        from wheelyard.storage.opening import open_store

        return open_store(location, os.environ, Settings.from_env(os.environ).presign_lifetime)
    from wheelyard.client.bucket import s3_store

    bucket, _, prefix = rest.partition("/")
    return s3_store(
        bucket,
        f"{prefix}/{s3['prefix'] or ''}".strip("/"),
        profile=_text(s3["profile"]),
        region=_text(s3["region"]),
        endpoint_url=_text(s3["s3_endpoint_url"]),
        sign=not s3["no_sign_request"],
        put_args=_put_args(s3, put_args),
    )


def _put_args(s3: "dict[str, str | bool | None]", put_args: tuple[str, ...]) -> "dict[str, Any]":
    from wheelyard.client.putsettings import read_put_args

    args = read_put_args(put_args)
    for option, name in _PUT_ARGS.items():
        if s3[option]:
            if name in args:
                flag = option.replace("_", "-")
                raise InvalidSetting(f"--{flag} is {name}, which --put-args has too: give one")
            args[name] = s3[option]
    return args


def _text(value: str | bool | None) -> str | None:
    return str(value) if value else None


def _bar(shown: ExitStack) -> "Callable[[int], Advance]":
    """A progress bar of bytes, made when it is known how many; several threads move it."""

    def made(total: int) -> "Advance":
        lock = threading.Lock()
        bar = shown.enter_context(
            click.progressbar(length=total, label="Uploading", file=sys.stderr)
        )

        def advance(count: int) -> None:
            with lock:
                bar.update(count)

        return advance

    return made
