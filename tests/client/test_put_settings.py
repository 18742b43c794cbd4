"""Settings of S3's PutObject with files that are uploaded straight into a bucket."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.session import Session
from click.testing import CliRunner, Result

import servers
import stores
from distributions import BuiltDistribution, build_wheel
from indexes import random_bytes
from servers import S3Server
from stores import Bucket
from wheelyard.client.bucket import s3_store
from wheelyard.client.direct import upload_to_store
from wheelyard.client.files import Existing
from wheelyard.client.putsettings import allowed, put_settings, read_put_args
from wheelyard.entry.cli import cli
from wheelyard.errors import InvalidSetting, InvalidUpload, KeyExists, StorageError
from wheelyard.storage.presign import Credentials
from wheelyard.storage.store import Store

README = Path(__file__).parents[2] / "README.md"
WHEEL = build_wheel("acme-tools", "1.0")
LARGE = build_wheel("acme-tools", "2.0", files={"acme_tools/data.bin": random_bytes(12_000_000)})
FOLDER = "acme/index/packages/acme-tools"

EVERYTHING = (
    "ServerSideEncryption=aws:kms,SSEKMSKeyId=alias/acme,BucketKeyEnabled=true,"
    "StorageClass=STANDARD_IA,ACL=public-read,Tagging=team=tools&stage=prod%20%2B,"
    "CacheControl=public, max-age=31536000, immutable,ContentType=application/zip,"
    "Metadata=built-by=ci,commit=abc,RequestPayer=requester"
)


@pytest.fixture(autouse=True)
def _own_credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's but those of a profile."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


def profile(folder: Path, server: S3Server) -> None:
    """The credentials of ``server``, as those of the profile ``release``."""
    (folder / "credentials").write_text(
        f"[release]\naws_access_key_id = {server.credentials.access_key_id}\n"
        f"aws_secret_access_key = {server.credentials.secret_access_key}\n"
    )


def run(
    folder: Path, server: S3Server, bucket: str, built: BuiltDistribution, *options: str
) -> Result:
    """``wheelyard upload`` with a profile."""
    profile(folder, server)
    path = folder / built.filename
    path.write_bytes(built.content)
    arguments = [
        "upload", str(path), "--store", f"s3://{bucket}", "--prefix", "acme/index",
        "--profile", "release", "--region", server.region, "--s3-endpoint-url", server.url,
    ]  # fmt: skip
    return CliRunner().invoke(cli, [*arguments, *options])


# --- what S3 has then ---


@pytest.mark.parametrize("built", [WHEEL, LARGE], ids=["small", "large"])
@pytest.mark.parametrize("spelling", ["--put-args", "--s3-put-args"])
def test_everything_arrives(
    s3_moto: S3Server, tmp_path: Path, built: BuiltDistribution, spelling: str
) -> None:
    """The file and its metadata have all that was asked for, the project's page only the encryption."""
    bucket, client = s3_moto.new_bucket(), s3_moto.client()
    done = run(tmp_path, s3_moto, bucket, built, spelling, EVERYTHING)
    assert done.exit_code == 0, done.output
    for name in (built.filename, f"{built.filename}.metadata"):
        at: Any = {"Bucket": bucket, "Key": f"{FOLDER}/{name}"}
        head: Any = client.head_object(**at)
        assert head["ServerSideEncryption"] == "aws:kms"
        assert head["SSEKMSKeyId"] == "alias/acme"
        assert head["StorageClass"] == "STANDARD_IA"
        assert head["CacheControl"] == "public, max-age=31536000, immutable"
        assert head["Metadata"] == {"built-by": "ci", "commit": "abc"}
        assert (head["ContentType"] == "application/zip") is (name == built.filename)
        tags = client.get_object_tagging(**at)["TagSet"]
        assert {tag["Key"]: tag["Value"] for tag in tags} == {"team": "tools", "stage": "prod +"}
        grants = client.get_object_acl(**at)["Grants"]
        everybody = [
            each for each in grants if each["Grantee"].get("URI", "").endswith("/AllUsers")
        ]
        assert [each["Permission"] for each in everybody] == ["READ"]
    page: Any = {"Bucket": bucket, "Key": "acme/index/projects/acme-tools.json"}
    head = client.head_object(**page)
    assert head["ServerSideEncryption"] == "aws:kms"
    assert "StorageClass" not in head
    assert "CacheControl" not in head
    assert client.get_object_tagging(**page)["TagSet"] == []
    body = client.get_object(Bucket=bucket, Key=f"{FOLDER}/{built.filename}")["Body"].read()
    assert body == built.content
    stored = Bucket(s3_moto, bucket).open(REPO_BASE_PREFIX="acme/index")
    assert [*stored.list("uploads/"), *stored.list("staging/")] == []
    assert Bucket(s3_moto, bucket).unfinished() == []


@pytest.mark.parametrize("built", [WHEEL, LARGE], ids=["small", "large"])
def test_signed_headers_are_accepted(
    s3_weed: S3Server, tmp_path: Path, built: BuiltDistribution
) -> None:
    """A server that checks signatures takes the settings, and they arrive."""
    bucket, client = s3_weed.new_bucket(), s3_weed.client()
    args = "Tagging=team=tools,CacheControl=public,  max-age=5,Metadata=built-by=ci,ContentType=a/b"
    done = run(tmp_path, s3_weed, bucket, built, "--put-args", args)
    assert done.exit_code == 0, done.output
    for name in (built.filename, f"{built.filename}.metadata"):
        at: Any = {"Bucket": bucket, "Key": f"{FOLDER}/{name}"}
        head = client.head_object(**at)
        assert head["CacheControl"] == "public,  max-age=5"
        assert head["Metadata"] == {"built-by": "ci"}
        assert client.get_object_tagging(**at)["TagSet"] == [{"Key": "team", "Value": "tools"}]
    body = client.get_object(Bucket=bucket, Key=f"{FOLDER}/{built.filename}")["Body"].read()
    assert body == built.content


def test_a_published_file_is_not_replaced(s3_moto: S3Server, tmp_path: Path) -> None:
    """With settings as without, other bytes under a published name are refused, but for ``--force``."""
    bucket, client = s3_moto.new_bucket(), s3_moto.client()
    options = ("--put-args", "StorageClass=STANDARD_IA")
    other = build_wheel("acme-tools", "1.0", files={"acme_tools/__init__.py": b"other = 1"})
    assert run(tmp_path, s3_moto, bucket, WHEEL, *options).exit_code == 0
    assert isinstance(run(tmp_path, s3_moto, bucket, other, *options).exception, InvalidUpload)
    again = run(tmp_path, s3_moto, bucket, WHEEL, *options)
    assert again.stdout == f"{WHEEL.filename}: was published before\n"
    at: Any = {"Bucket": bucket, "Key": f"{FOLDER}/{WHEEL.filename}"}
    assert client.get_object(**at)["Body"].read() == WHEEL.content
    assert run(tmp_path, s3_moto, bucket, other, *options, "--force").exit_code == 0
    found = client.get_object(**at)
    assert found["Body"].read() == other.content
    assert found["StorageClass"] == "STANDARD_IA"


# SeaweedFS looks whether the key is free and completes an upload in parts in two steps; S3 does not.
def test_one_of_many_wins(s3_moto: S3Server, tmp_path: Path) -> None:
    """Of objects created with settings at the same time one is there, and the others find it taken."""
    profile(tmp_path, s3_moto)
    bucket = s3_moto.new_bucket()

    def create(number: int) -> bool:
        try:
            opened(s3_moto, bucket).create("packages/acme/a.whl", str(number).encode())
        except KeyExists:
            return False
        return True

    won = stores.in_threads(create, *[(number,) for number in range(6)])
    assert sum(won) == 1
    body = opened(s3_moto, bucket).get("packages/acme/a.whl").body
    assert body == str(won.index(True)).encode()


def opened(server: S3Server, bucket: str, **put_args: Any) -> Store:
    """A store that has settings."""
    return s3_store(
        bucket,
        profile="release",
        region=server.region,
        endpoint_url=server.url,
        put_args=put_args or {"CacheControl": "no-cache"},
    )


# --- what is asked of S3 ---


@pytest.fixture
def recorder() -> servers.Recorder:
    """What the server of ``recorded`` was asked, and what it is to refuse."""
    return servers.Recorder()


@pytest.fixture
def recorded(recorder: servers.Recorder) -> Iterator[S3Server]:
    """A server whose requests are noted."""
    with servers.moto_server(recorder) as server:
        yield server


def test_headers_that_moto_does_not_keep(
    recorded: S3Server, recorder: servers.Recorder, tmp_path: Path
) -> None:
    """What a lock, a checksum, grants and the rest are set by is what S3 documents."""
    bucket = recorded.new_bucket()
    args = (
        "ObjectLockMode=GOVERNANCE,ObjectLockRetainUntilDate=2030-01-31T00:00:00Z,"
        "ObjectLockLegalHoldStatus=ON,GrantRead=id=abc,"
        "Expires=2030-01-31T00:00:00Z,ContentDisposition=attachment,ContentLanguage=en, de,"
        "SSEKMSEncryptionContext=e30="
    )
    profile(tmp_path, recorded)
    settings = put_settings(read_put_args([args, "ChecksumAlgorithm=CRC32"]))
    [path] = [tmp_path / WHEEL.filename]
    path.write_bytes(WHEEL.content)
    store = opened(recorded, bucket, **read_put_args([args]))
    assert upload_to_store([path], store)[0].published
    begun = [each for each in recorder.requests if each.query.startswith("uploads=")]
    [file] = [each.headers for each in begun if each.path.endswith(".whl")]
    assert file["x-amz-object-lock-mode"] == "GOVERNANCE"
    assert file["x-amz-object-lock-retain-until-date"] == "2030-01-31T00:00:00Z"
    assert file["x-amz-object-lock-legal-hold"] == "ON"
    assert file["x-amz-grant-read"] == "id=abc"
    assert file["expires"] == "Thu, 31 Jan 2030 00:00:00 GMT"
    assert file["content-disposition"] == "attachment"
    assert file["content-language"] == "en, de"
    assert file["x-amz-server-side-encryption-context"] == "e30="
    assert ("x-amz-checksum-algorithm", "CRC32") in settings.headers.files


def test_whose_bucket_it_is(recorded: S3Server, recorder: servers.Recorder, tmp_path: Path) -> None:
    """The owner is asked for before anything is written, and with every write of a file."""
    bucket = recorded.new_bucket()
    args = ("--put-args", "ExpectedBucketOwner=111122223333")

    def refuse(request: servers.Request) -> int | None:
        return 403 if "x-amz-expected-bucket-owner" in request.headers else None

    recorder.refuse = refuse
    done = run(tmp_path, recorded, bucket, WHEEL, *args)
    assert isinstance(done.exception, StorageError)
    assert "x-amz-expected-bucket-owner: 111122223333" in str(done.exception)
    assert Bucket(recorded, bucket).keys() == []
    recorder.refuse = lambda _request: None
    recorder.requests.clear()
    assert run(tmp_path, recorded, bucket, WHEEL, *args).exit_code == 0
    writes = [
        each
        for each in recorder.requests
        if each.method in ("PUT", "POST") and "/packages/" in each.path
    ]
    assert len(writes) == 6  # begin, copy and join, of the file and of its metadata
    for request in writes:
        assert request.headers["x-amz-expected-bucket-owner"] == "111122223333"


def test_who_pays(recorded: S3Server, recorder: servers.Recorder, tmp_path: Path) -> None:
    """Every request says that its sender pays."""
    bucket = recorded.new_bucket()
    recorder.requests.clear()
    done = run(tmp_path, recorded, bucket, WHEEL, "--put-args", "RequestPayer=requester")
    assert done.exit_code == 0, done.output
    assert {each.headers.get("x-amz-request-payer") for each in recorder.requests} == {"requester"}


def test_unsigned_requests(recorded: S3Server, recorder: servers.Recorder, tmp_path: Path) -> None:
    """Without credentials the settings go with requests that have no signature."""
    bucket = recorded.new_bucket()
    recorded.client().put_bucket_acl(Bucket=bucket, ACL="public-read-write")
    recorder.requests.clear()
    path = tmp_path / LARGE.filename
    path.write_bytes(LARGE.content)
    store = s3_store(
        bucket, endpoint_url=recorded.url, sign=False, put_args={"StorageClass": "STANDARD_IA"}
    )
    assert upload_to_store([path], store)[0].published
    for request in recorder.requests:
        assert "authorization" not in request.headers
        assert "Signature" not in request.query
    head = recorded.client().head_object(Bucket=bucket, Key=f"packages/acme-tools/{LARGE.filename}")
    assert head["StorageClass"] == "STANDARD_IA"


# --- what is refused ---


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ACL=private", {"ACL": "private"}),
        (" ACL=private , StorageClass=STANDARD", {"ACL": "private", "StorageClass": "STANDARD"}),
        ("CacheControl=no-cache, private", {"CacheControl": "no-cache, private"}),
        ("CacheControl=max-age=5,ACL=x", {"CacheControl": "max-age=5", "ACL": "x"}),
        ("Metadata=a=b,c=d", {"Metadata": "a=b,c=d"}),
        ("Tagging=a=b&c=d", {"Tagging": "a=b&c=d"}),
        ('{"Metadata": {"A": "b,C=d"}}', {"Metadata": {"A": "b,C=d"}}),
    ],
)
def test_arguments_are_read(text: str, wanted: dict[str, Any]) -> None:
    """As s3pypi reads them, and with commas in values."""
    assert read_put_args([text]) == wanted


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ACL", "has 'ACL': write NAME=VALUE"),
        ("", "write NAME=VALUE"),
        ("ACL=private,ACL=private", "ACL twice"),
        ("{", "not JSON"),
        ("storageclass=STANDARD", "'storageclass' cannot be set: .* no such argument. Allowed are ACL, "),
        ("Body=x", "'Body' cannot be set: the upload sets it itself"),
        ("IfNoneMatch=*", "'IfNoneMatch' cannot be set"),
        ("ChecksumSHA256=x", "'ChecksumSHA256' cannot be set: .*ChecksumAlgorithm"),
        ("SSECustomerKey=x", "'SSECustomerKey' cannot be set: .*nobody could read"),
        ("ContentEncoding=gzip", "'ContentEncoding' cannot be set: .*digest"),
        ("StorageClass=COLD", "StorageClass is 'COLD': S3 knows STANDARD, "),
        ("StorageClass=GLACIER", "StorageClass is 'GLACIER': nobody can install"),
        ("ACL=", "ACL is '': S3 knows private, "),
        ("BucketKeyEnabled=yes", "BucketKeyEnabled is 'yes': write true or false"),
        ("Expires=soon", "Expires is 'soon': write a time"),
        ("Metadata=a", "Metadata is 'a': write key=value"),
        ("Metadata=é=a", "ASCII"),
        ('{"CacheControl": "a\\nb"}', "ASCII"),
        ('{"CacheControl": 5}', "CacheControl is 5: write a text"),
        ("SSEKMSKeyId=x", "SSEKMSKeyId needs ServerSideEncryption=aws:kms"),
        ("ServerSideEncryption=AES256,SSEKMSKeyId=x", "which is 'AES256'"),
    ],
)  # fmt: skip
def test_unusable_arguments(tmp_path: Path, text: str, message: str) -> None:
    """What cannot be used is refused before S3 is asked anything, by name and with what can be."""
    server = S3Server("http://127.0.0.1:9", "us-east-1", Credentials("a", "b"))
    done = run(tmp_path, server, "bucket", WHEEL, "--put-args", text)
    assert isinstance(done.exception, InvalidSetting), done.output
    assert re.search(message, str(done.exception)), str(done.exception)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--sse", "AES256", "--put-args", "ServerSideEncryption=AES256"), "--sse is"),
        (("--sse-kms-key-id", "a", "--put-args", "SSEKMSKeyId=a"), "--sse-kms-key-id is"),
        (("--sse-bucket-key", "--put-args", "BucketKeyEnabled=true"), "--sse-bucket-key is"),
        (("--sse", "rot13"), "ServerSideEncryption is 'rot13': S3 knows AES256"),
    ],
)
def test_short_forms(tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    """The options for encryption are short for arguments, and are not given beside them."""
    server = S3Server("http://127.0.0.1:9", "us-east-1", Credentials("a", "b"))
    done = run(tmp_path, server, "bucket", WHEEL, *options)
    assert isinstance(done.exception, InvalidSetting), done.output
    assert message in str(done.exception)


def test_only_for_a_bucket(tmp_path: Path) -> None:
    """A directory and an index have no use for the options of S3."""
    path = tmp_path / WHEEL.filename
    path.write_bytes(WHEEL.content)
    options = ["upload", str(path), "--put-args", "ACL=private"]
    done = CliRunner().invoke(cli, [*options, "--store", str(tmp_path / "store")])
    assert isinstance(done.exception, InvalidSetting)
    done = CliRunner().invoke(cli, [*options, "--index-url", "https://index.example/"])
    assert done.exit_code == 2
    assert "--store" in done.output


def test_every_argument_is_known() -> None:
    """Each argument of PutObject can be given, or is refused with a reason of its own."""
    shape = Session().get_service_model("s3").operation_model("PutObject").input_shape
    assert shape is not None
    put = shape.members
    assert set(allowed()) < set(put)
    for name in set(put) - set(allowed()):
        with pytest.raises(InvalidSetting, match="cannot be set") as refused:
            put_settings({name: "x"})
        assert "no such argument" not in str(refused.value)


def test_values_as_boto3_takes_them() -> None:
    """A program gives values of Python's types as well as texts."""
    as_texts = put_settings(
        {"Metadata": "a=b", "Tagging": "c=d", "BucketKeyEnabled": "true", "Expires": "2030-01-31"}
    )
    assert as_texts == put_settings(
        {"Metadata": {"a": "b"}, "Tagging": {"c": "d"}, "BucketKeyEnabled": True, "Expires": "2030-01-31"}
    )  # fmt: skip


# --- as it is documented ---


def test_the_readme(s3_moto: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The README's program works as it stands there."""
    [program] = re.findall(r"```python\n(.*?s3_store.*?)```", README.read_text(), re.DOTALL)
    profile(tmp_path, s3_moto)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_moto.url)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / WHEEL.filename).write_bytes(WHEEL.content)
    s3_moto.client().create_bucket(Bucket="acme-index")
    exec(compile(program, "README.md", "exec"), {})  # noqa: S102
    head = s3_moto.client().head_object(
        Bucket="acme-index", Key=f"team/packages/acme-tools/{WHEEL.filename}"
    )
    assert head["StorageClass"] == "STANDARD_IA"
    assert head["ServerSideEncryption"] == "aws:kms"


def test_existing_objects_keep_their_settings(s3_moto: S3Server, tmp_path: Path) -> None:
    """A file that is published is left as it is, whatever settings it would get now."""
    profile(tmp_path, s3_moto)
    bucket = s3_moto.new_bucket()
    path = tmp_path / WHEEL.filename
    path.write_bytes(WHEEL.content)
    upload_to_store([path], opened(s3_moto, bucket))
    cold = opened(s3_moto, bucket, StorageClass="STANDARD_IA")
    assert not upload_to_store([path], cold)[0].published
    key = f"packages/acme-tools/{WHEEL.filename}"
    assert "StorageClass" not in s3_moto.client().head_object(Bucket=bucket, Key=key)
    assert upload_to_store([path], cold, existing=Existing.FORCE)[0].published
