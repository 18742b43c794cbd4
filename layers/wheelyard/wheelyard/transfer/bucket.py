"""A bucket, from a prefix on, as a place.

By boto3, which the command line has: the store's client knows neither keys that end with ``/``, which
some indexes keep their pages under, nor copies from one bucket to another.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from wheelyard.errors import KeyNotFound, StorageError
from wheelyard.storage.store import CHUNK
from wheelyard.transfer.places import BucketName, Described, Item, Place

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Several threads, each of which may copy a large file in several parts.
_CONNECTIONS = 50
_MISSING = ("404", "NoSuchKey", "NotFound", "412", "PreconditionFailed")


class Bucket(Place):
    """The objects of a bucket whose keys begin with a prefix."""

    def __init__(
        self, name: BucketName, client: "S3Client", encryption: Mapping[str, str] | None = None
    ) -> None:
        """``encryption`` goes with every write, as boto3 names its arguments."""
        self.name = name
        self.client = client
        self._encryption = dict(encryption or {})

    def items(self) -> Iterator[Item]:
        pages = self.client.get_paginator("list_objects_v2")
        with _answering(str(self.name)):
            for page in pages.paginate(Bucket=self.name.bucket, Prefix=self.name.prefix):
                for found in page.get("Contents", ()):
                    key = found["Key"].removeprefix(self.name.prefix)
                    if key:
                        yield Item(key, found["Size"], found["ETag"], found["LastModified"])

    def read(self, key: str) -> bytes:
        with _answering(key):
            return self.client.get_object(Bucket=self.name.bucket, Key=self.name.key(key))[
                "Body"
            ].read()

    def metadata(self, key: str) -> dict[str, str]:
        with _answering(key):
            found = self.client.head_object(Bucket=self.name.bucket, Key=self.name.key(key))
        return dict(found["Metadata"])

    def chunks(self, key: str, etag: str) -> Iterator[bytes]:
        with _answering(key):
            found = self.client.get_object(
                Bucket=self.name.bucket, Key=self.name.key(key), IfMatch=etag
            )
            yield from found["Body"].iter_chunks(CHUNK)

    def write(self, key: str, body: bytes, described: Described) -> None:
        arguments: dict[str, Any] = self._arguments(described)
        with _answering(key):
            self.client.put_object(
                Bucket=self.name.bucket, Key=self.name.key(key), Body=body, **arguments
            )

    def stream(self, key: str, chunks: Iterable[bytes], described: Described) -> None:
        with TemporaryFile() as file:
            file.writelines(chunks)
            file.seek(0)
            with _answering(key):
                self.client.upload_fileobj(
                    file,
                    self.name.bucket,
                    self.name.key(key),
                    ExtraArgs=self._arguments(described),
                )

    def link(self, key: str, path: Path) -> bool:
        del key, path
        return False

    def copy(self, key: str, source: BucketName, source_key: str, described: Described) -> bool:
        self.copy_from(self, source, source_key, key, described)
        return True

    def copy_from(
        self,
        owner: "Bucket",
        source: BucketName,
        source_key: str,
        key: str,
        described: Described,
        etag: str = "",
    ) -> None:
        """``copy``, of the object with this entity tag if one is given; ``owner`` can look at it.

        Raises ``KeyNotFound`` where it is gone or another one.
        """
        arguments = {**self._arguments(described), "MetadataDirective": "REPLACE"}
        if etag:
            arguments["CopySourceIfMatch"] = etag
        with _answering(source_key):
            # In parts where one request could not copy it, so there is no limit of 5 GB.
            self.client.copy(
                {"Bucket": source.bucket, "Key": source.key(source_key)},
                self.name.bucket,
                self.name.key(key),
                ExtraArgs=arguments,
                SourceClient=owner.client,
            )

    def remove(self, key: str) -> None:
        with _answering(key):
            self.client.delete_object(Bucket=self.name.bucket, Key=self.name.key(key))

    def _arguments(self, described: Described) -> dict[str, str]:
        arguments = {"ContentType": described.content_type, **self._encryption}
        if described.cache_control:
            arguments["CacheControl"] = described.cache_control
        return arguments


def connect(name: BucketName, env: Mapping[str, str], region: str | None = None) -> Bucket:
    """A bucket with the credentials that boto3 finds, and the settings of ``env``."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    endpoint = env.get("AWS_ENDPOINT_URL_S3") or env.get("AWS_ENDPOINT_URL")
    # The bucket of an S3 that is not AWS's seldom has a host name of its own.
    style: Any = {"addressing_style": "path"} if endpoint else None
    config = Config(
        s3=style, retries={"mode": "standard", "max_attempts": 5}, max_pool_connections=_CONNECTIONS
    )
    try:
        session = boto3.Session(
            region_name=region or env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION")
        )
        client = session.client("s3", endpoint_url=endpoint, config=config)
    except BotoCoreError as error:
        raise StorageError(f"{str(name)!r} cannot be asked: {error}") from error
    return Bucket(name, client, _encryption(env))


def _encryption(env: Mapping[str, str]) -> dict[str, str]:
    wanted = {
        "ServerSideEncryption": env.get("AWS_SERVER_SIDE_ENCRYPTION"),
        "SSEKMSKeyId": env.get("AWS_SSE_KMS_KEY_ID"),
    }
    return {name: value for name, value in wanted.items() if value}


@contextmanager
def _answering(key: str) -> Iterator[None]:
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in _MISSING:
            raise KeyNotFound(f"there is no object {key!r}, or another one by now") from error
        raise StorageError(f"{key!r} cannot be had: {str(error)[:300]}") from error
    except (BotoCoreError, Boto3Error) as error:
        raise StorageError(f"{key!r} cannot be had: {str(error)[:300]}") from error
