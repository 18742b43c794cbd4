"""Opening a store: a directory, or a bucket on S3."""

import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from wheelyard.errors import InvalidSetting
from wheelyard.settings import StoreSettings
from wheelyard.storage.keys import MIRROR_FILES, PACKAGES
from wheelyard.storage.presign import Credentials, endpoint, presign, signing_window, unsigned
from wheelyard.storage.sizes import COPYING, Copying
from wheelyard.storage.store import Pairs, Store

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

    from wheelyard.storage.settled import PutHeaders

# Passed on to obstore where they are set, by the names that it gives them, and the headers that they are.
_ENCRYPTION = {
    "server_side_encryption": "x-amz-server-side-encryption",
    "sse_kms_key_id": "x-amz-server-side-encryption-aws-kms-key-id",
    "sse_bucket_key_enabled": "x-amz-server-side-encryption-bucket-key-enabled",
}

# A file never changes under its key, so whoever fetched it may keep it. The link asks for the
# header, since a copy within S3 and a file that another tool stored do not have it.
_KEEP = (("response-cache-control", "private, max-age=31536000, immutable"),)


class _Patience(NamedTuple):
    """How long one request to S3 may take, and how often it is tried again.

    By obstore's own a client would wait three minutes for a store that is down.
    """

    options: "ClientConfig"
    retries: "RetryConfig"


# S3 copies a file of 5 GB within one request, which takes it longer than obstore's 30 s.
_PATIENT = _Patience({"timeout": "2m"}, {"max_retries": 5, "retry_timeout": timedelta(seconds=15)})
# Three tries within about ten seconds: well before a function, or the front before it, gives up. S3 answers
# small requests within a fraction of a second, and AWS advises to ask again after a few
# (https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-guidelines.html).
_BRISK = _Patience(
    {"connect_timeout": "2s", "read_timeout": "5s"},
    {"max_retries": 2, "retry_timeout": timedelta(seconds=8)},
)


class _Manner(NamedTuple):
    """How a store works: for a function or a command, and with which settings of what it stores."""

    patience: _Patience
    copying: Copying
    settings: "PutHeaders | None" = None


def open_store(
    location: str,
    env: Mapping[str, str],
    presign_lifetime: int,
    settings: "PutHeaders | None" = None,
    copying: Copying = COPYING,
) -> Store:
    """The store at ``s3://bucket/prefix`` or in a directory.

    For S3 the credentials are found as boto3 finds them; with ``AWS_SKIP_SIGNATURE`` ``true`` requests are
    not signed. With ``settings`` S3 is asked whether the bucket may be used with them. Raises
    ``InvalidSetting`` and ``StorageError``.
    """
    scheme, separator, rest = location.partition("://")
    if not separator:
        from pathlib import Path

        from wheelyard.storage.directory import DirectoryStore

        return DirectoryStore(Path(location).expanduser())
    bucket, _, prefix = rest.partition("/")
    if scheme != "s3" or not bucket:
        raise InvalidSetting(f"the store is {location!r}: use a directory or s3://bucket/prefix")
    where = StoreSettings.from_env({**env, "BUCKET": bucket, "REPO_BASE_PREFIX": prefix})
    if env.get("AWS_SKIP_SIGNATURE", "").lower() == "true":
        found: tuple[Callable[[], Credentials], Any] = (lambda: Credentials("", ""), None)
    else:
        found = _found_by_boto3(where, env.get("AWS_PROFILE") or None)
    manner = _Manner(_PATIENT, copying, settings)
    return _open_s3(where, env, presign_lifetime, *found, manner)


def open_bucket(env: Mapping[str, str], presign_lifetime: int, copying: Copying = COPYING) -> Store:
    """The store that a Lambda function's environment names, with the role's own credentials.

    Reading from an S3 that does not answer is a ``StorageError`` within about ten seconds. Raises
    ``InvalidSetting``.
    """
    settings = StoreSettings.from_env(env)
    credentials = Credentials(
        env.get("AWS_ACCESS_KEY_ID", ""),
        env.get("AWS_SECRET_ACCESS_KEY", ""),
        env.get("AWS_SESSION_TOKEN"),
    )
    manner = _Manner(_BRISK, copying)
    return _open_s3(settings, env, presign_lifetime, lambda: credentials, None, manner)


def _open_s3(
    settings: StoreSettings,
    env: Mapping[str, str],
    presign_lifetime: int,
    credentials: Callable[[], Credentials],
    provider: Any,
    manner: _Manner,
) -> Store:
    from obstore.store import S3Store

    from wheelyard.storage.objects import ObjectStore, Told

    where = endpoint(settings.bucket, settings.region, settings.endpoint)
    config: S3Config = {
        "bucket": settings.bucket,
        "region": settings.region,
        "copy_if_not_exists": "multipart",
        # Read as: the bucket is at this address. obstore knows neither every partition's domain nor
        # that a bucket with a dot must not stand in the host name.
        "virtual_hosted_style_request": True,
    }
    # By this name it holds against the variables of the process, which obstore reads on its own.
    config["aws_endpoint_url_s3"] = where.origin + where.path
    if env.get("AWS_REQUEST_PAYER", "").lower() in ("requester", "true"):
        config["request_payer"] = True
    skips = env.get("AWS_SKIP_SIGNATURE", "").lower() == "true"
    if skips:
        config["skip_signature"] = True
    elif provider is None:
        current = credentials()
        config["access_key_id"] = current.access_key_id
        config["secret_access_key"] = current.secret_access_key
        if current.session_token:
            config["session_token"] = current.session_token
    encryption = []
    for name, header in _ENCRYPTION.items():
        if value := env.get(f"AWS_{name.upper()}"):
            config[name] = value  # type: ignore[literal-required]
            # S3 knows no "True".
            encryption.append((header, value.lower() if name.endswith("enabled") else value))

    def client(patience: _Patience) -> S3Store:
        return S3Store(
            config=config,
            client_options={"allow_http": where.origin.startswith("http://"), **patience.options},
            credential_provider=provider,
            retry_config=patience.retries,
        )

    files = tuple(f"{settings.prefix}/{each}".lstrip("/") for each in (PACKAGES, MIRROR_FILES))

    def operate(method: str, key: str, query: Pairs, headers: Pairs = ()) -> str:
        if skips:
            return unsigned(where, key, query)
        window = signing_window(time.time(), presign_lifetime)
        return presign(method, where, key, credentials(), window, query, headers)

    def sign(method: str, key: str) -> str:
        return operate(method, key, _KEEP if key.startswith(files) else ())

    # Made when it is first needed: a function that only reads never does.
    patient = None if manner.patience is _PATIENT else cache(lambda: client(_PATIENT))
    told = Told(settings.bucket, tuple(encryption), manner.copying)
    opened = (client(manner.patience), settings.prefix, sign, patient, operate, told)
    if manner.settings is None:
        return ObjectStore(*opened)
    from wheelyard.storage.settled import SettledStore

    store = SettledStore(*opened)
    store.settle(manner.settings)
    return store


def _found_by_boto3(
    settings: StoreSettings, profile: str | None
) -> tuple[Callable[[], Credentials], Any]:
    """Profiles, sign-on sessions and roles: boto3 knows them all, and renews what expires."""
    import boto3
    from botocore.exceptions import ProfileNotFound
    from obstore.auth.boto3 import Boto3CredentialProvider

    try:
        session = boto3.Session(region_name=settings.region, profile_name=profile)
    except ProfileNotFound as error:
        raise InvalidSetting(
            f"AWS_PROFILE is {profile!r:.200}: there is no such profile"
        ) from error
    found = session.get_credentials()
    if found is None:
        raise InvalidSetting(
            f"no AWS credentials were found for bucket {settings.bucket!r}: set AWS_PROFILE, or "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        )

    def current() -> Credentials:
        frozen = found.get_frozen_credentials()
        return Credentials(frozen.access_key or "", frozen.secret_key or "", frozen.token)

    return current, Boto3CredentialProvider(session)
