"""A bucket to upload into, with somebody's own AWS credentials."""

import os
from collections.abc import Mapping
from typing import Any

from wheelyard.errors import InvalidSetting
from wheelyard.settings import Settings
from wheelyard.storage.opening import open_store
from wheelyard.storage.store import Store

_ENCRYPTION = ("AWS_SERVER_SIDE_ENCRYPTION", "AWS_SSE_KMS_KEY_ID", "AWS_SSE_BUCKET_KEY_ENABLED")


def s3_store(
    bucket: str,
    prefix: str = "",
    *,
    profile: str | None = None,
    region: str | None = None,
    endpoint_url: str | None = None,
    sign: bool = True,
    put_args: Mapping[str, Any] | None = None,
) -> Store:
    """The store in ``bucket`` below ``prefix``, for ``upload_to_store``.

    Credentials are found as boto3 finds them, those of ``profile`` if it is given; without ``sign`` there
    are none. What is not given is taken from the environment (``AWS_REGION``, ``AWS_ENDPOINT_URL_S3`` …).

    ``put_args`` are arguments of S3's PutObject, by its names
    (https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html), as texts or as boto3 takes them:

    - ``ServerSideEncryption``, ``SSEKMSKeyId`` and ``BucketKeyEnabled`` hold for all that is written;
    - ``ExpectedBucketOwner`` is checked before anything is written, and with every write of a file;
      ``RequestPayer`` goes with every request;
    - ``ContentType``, ``ContentDisposition``, ``ContentLanguage`` and ``WebsiteRedirectLocation`` hold for
      the distribution files;
    - all others, such as ``StorageClass``, ``ACL``, ``Tagging``, ``Metadata``, ``CacheControl`` or
      ``ObjectLockMode``, for the distribution files and for what stands beside them: metadata,
      signatures and attestations. They do not for the projects' pages, which every publication replaces,
      whoever's.

    Raises ``InvalidSetting`` for an argument that S3 does not have or an upload has no use for, and
    ``StorageError``.
    """
    variables = {
        "AWS_PROFILE": profile,
        "AWS_REGION": region,
        "AWS_ENDPOINT_URL_S3": endpoint_url,
        "AWS_SKIP_SIGNATURE": None if sign else "true",
    }
    env = dict(os.environ) | {name: value for name, value in variables.items() if value}
    headers = None
    if put_args:
        from wheelyard.client.putsettings import put_settings

        settings = put_settings(put_args)
        headers = settings.headers if any(settings.headers) else None
        if "AWS_SERVER_SIDE_ENCRYPTION" in settings.variables:
            # Another algorithm's key is none of its.
            env = {name: value for name, value in env.items() if name not in _ENCRYPTION}
        env |= settings.variables
        _check_encryption(env)
    location = "/".join(part for part in (f"s3://{bucket}", prefix.strip("/")) if part)
    return open_store(location, env, Settings.from_env(os.environ).presign_lifetime, headers)


def _check_encryption(env: Mapping[str, str]) -> None:
    algorithm = env.get("AWS_SERVER_SIDE_ENCRYPTION", "")
    if env.get("AWS_SSE_KMS_KEY_ID") and not algorithm.startswith("aws:kms"):
        raise InvalidSetting(
            f"SSEKMSKeyId needs ServerSideEncryption=aws:kms or aws:kms:dsse, which is {algorithm!r}"
        )
