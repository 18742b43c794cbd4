"""Presigned links: the same text as botocore's, and accepted by a server that checks signatures."""

import time
from datetime import UTC, datetime
from functools import cache
from http.client import HTTPConnection
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import boto3
import botocore.auth
import botocore.credentials
import pytest
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from hypothesis import given
from hypothesis import strategies as st

from servers import S3Server
from wheelyard.errors import InvalidSetting
from wheelyard.storage.presign import (
    LONGEST_LIFETIME,
    Credentials,
    SigningWindow,
    endpoint,
    presign,
    signing_window,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "acme-packages"
REGION = "eu-central-1"
KEY = "packages/acme/acme-1.0-py3-none-any.whl"
LASTING = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
TEMPORARY = Credentials("ASIAEXAMPLE", "role/secret+key==", "IQoJb3JpZ2luX2VjE//+token==")
WINDOW = SigningWindow(1_793_000_100, 900)

ODD_KEYS = [
    "packages/acme/acme-1!2.0+local.1-py3-none-any.whl",
    "packages/acme/~acme~1.0_(copy).tar.gz",
    "packages/żółw/naïve 文.whl",
    "packages/acme/a%2Bb%20c.whl",
    "packages/acme/a&b=c?d#e;f,g@h:i$j'k*l.whl",
    'packages/acme/"\\^`|<>[]{}.whl',
]


class Operation(NamedTuple):
    """What botocore calls a request, and how the same is said here."""

    name: str
    method: str
    parameters: tuple[tuple[str, str | int], ...] = ()
    query: tuple[tuple[str, str], ...] = ()


OPERATIONS = [
    Operation("get_object", "GET"),
    Operation("head_object", "HEAD"),
    Operation("put_object", "PUT"),
    Operation("create_multipart_upload", "POST", (), (("uploads", ""),)),
    Operation(
        "upload_part",
        "PUT",
        (("UploadId", "a+b/c=d e"), ("PartNumber", 17)),
        (("uploadId", "a+b/c=d e"), ("partNumber", "17")),
    ),
    Operation(
        "get_object",
        "GET",
        (("ResponseContentDisposition", 'attachment; filename="a+b~é.whl"'),),
        (("response-content-disposition", 'attachment; filename="a+b~é.whl"'),),
    ),
]


@cache
def botocore_client(region: str, credentials: Credentials, custom: str | None) -> "S3Client":
    """botocore, set to use the endpoints that are promised here and to add no checksums."""
    return boto3.session.Session().client(
        "s3",
        region_name=region,
        endpoint_url=custom,
        aws_access_key_id=credentials.access_key_id,
        aws_secret_access_key=credentials.secret_access_key,
        aws_session_token=credentials.session_token,
        config=Config(
            signature_version="s3v4",
            s3={
                "addressing_style": "path" if custom else "virtual",
                "us_east_1_regional_endpoint": "regional",
            },
            request_checksum_calculation="when_required",
        ),
    )


def stop_clock(patch: pytest.MonkeyPatch, at: int) -> None:
    """Make botocore sign at the instant ``at``."""
    now = datetime.fromtimestamp(at, UTC)
    patch.setattr(botocore.auth, "get_current_datetime", lambda: now)


def by_botocore(
    operation: Operation,
    bucket: str = BUCKET,
    region: str = REGION,
    key: str = KEY,
    credentials: Credentials = LASTING,
    window: SigningWindow = WINDOW,
    custom: str | None = None,
) -> str:
    """The link that botocore makes."""
    with pytest.MonkeyPatch.context() as patch:
        stop_clock(patch, window.signed_at)
        return botocore_client(region, credentials, custom).generate_presigned_url(
            operation.name,
            Params={"Bucket": bucket, "Key": key, **dict(operation.parameters)},
            ExpiresIn=window.expires,
        )


def by_wheelyard(
    operation: Operation,
    bucket: str = BUCKET,
    region: str = REGION,
    key: str = KEY,
    credentials: Credentials = LASTING,
    window: SigningWindow = WINDOW,
    custom: str | None = None,
) -> str:
    """The link that is made here."""
    place = endpoint(bucket, region, custom)
    return presign(operation.method, place, key, credentials, window, operation.query)


GET = OPERATIONS[0]


@pytest.mark.parametrize("credentials", [LASTING, TEMPORARY], ids=["lasting", "temporary"])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: f"{each.name}-{len(each.query)}")
def test_operations_are_signed_as_botocore_signs_them(
    operation: Operation, credentials: Credentials
) -> None:
    """A link for any operation, its own parameters included, is byte for byte botocore's."""
    assert by_wheelyard(operation, credentials=credentials) == by_botocore(
        operation, credentials=credentials
    )


@pytest.mark.parametrize(
    "bucket", [BUCKET, "acme.packages", "Acme", "a_b", "10.0.0.1", "abc", "x" * 63]
)
@pytest.mark.parametrize(
    "region",
    [
        "us-east-1",
        "eu-central-1",
        "ap-southeast-7",
        "us-gov-west-1",
        "cn-northwest-1",
        "eusc-de-east-1",
        "us-iso-east-1",
        "us-isob-east-1",
        "eu-isoe-west-1",
        "us-isof-south-1",
    ],
)
def test_buckets_are_addressed_as_botocore_addresses_them(bucket: str, region: str) -> None:
    """Every partition's regional endpoint, and every kind of bucket name, is addressed as by botocore."""
    assert by_wheelyard(GET, bucket, region) == by_botocore(GET, bucket, region)


def test_the_regional_host_is_used() -> None:
    """A link goes to the region's own virtual-hosted endpoint, which does not redirect."""
    parts = urlsplit(by_wheelyard(GET, region="us-east-1"))
    assert (parts.scheme, parts.netloc) == ("https", "acme-packages.s3.us-east-1.amazonaws.com")


@pytest.mark.parametrize(
    "custom",
    [
        "http://127.0.0.1:9000",
        "http://127.0.0.1:9000/",
        "https://s3.acme.example",
        "https://S3.Acme.example:443",
        "http://s3.acme.example:80",
        "https://s3.acme.example:80",
        "http://[::1]:9000",
        "https://acme.example:8443/objects/s3/",
        "https://acme.example/with space/~x",
    ],
)
@pytest.mark.parametrize("bucket", [BUCKET, "acme.packages"])
def test_custom_endpoints_are_path_style(bucket: str, custom: str) -> None:
    """Another S3 is addressed path-style, its scheme, port and base path kept, as botocore does."""
    expected = by_botocore(GET, bucket, custom=custom)
    assert by_wheelyard(GET, bucket, custom=custom) == expected
    assert f"/{bucket}/packages/" in expected


@pytest.mark.parametrize("key", ODD_KEYS)
@pytest.mark.parametrize("custom", [None, "http://127.0.0.1:9000/base"])
def test_odd_keys_are_encoded_as_botocore_encodes_them(key: str, custom: str | None) -> None:
    """Epochs, local versions, unicode and every other odd character are escaped as S3 wants them."""
    assert by_wheelyard(GET, key=key, custom=custom) == by_botocore(GET, key=key, custom=custom)


any_text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
printable = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)
header_names = st.sampled_from(
    [
        "cache-control",
        "if-none-match",
        "x-amz-acl",
        "x-amz-copy-source",
        "x-amz-meta-~a_b",
        "x-amz-tagging",
    ]
)
header_values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=60)


@given(any_text, st.sampled_from([None, "https://s3.acme.example:9000/base"]))
def test_any_key_is_signed_as_botocore_signs_it(key: str, custom: str | None) -> None:
    """Whatever a key is made of, the link is botocore's."""
    assert by_wheelyard(GET, key=key, custom=custom) == by_botocore(GET, key=key, custom=custom)


@given(
    st.builds(Credentials, printable, printable, st.none() | printable),
    st.sampled_from(["us-east-1", "eu-central-1", "xx-example-1"]),
    st.builds(SigningWindow, st.integers(0, 4_000_000_000), st.integers(1, LONGEST_LIFETIME)),
    st.sampled_from(["GET", "HEAD", "PUT", "DELETE"]),
    st.dictionaries(any_text, any_text, max_size=4),
    st.dictionaries(header_names, header_values, max_size=4),
)
def test_any_credentials_and_instant_are_signed_as_botocore_signs_them(
    credentials: Credentials,
    region: str,
    window: SigningWindow,
    method: str,
    query: dict[str, str],
    headers: dict[str, str],
) -> None:
    """Whatever credentials, instant, lifetime, parameters and headers, the link is botocore's."""
    place = endpoint(BUCKET, region)
    request = AWSRequest(method, f"{place.origin}/{KEY}", params=query, headers=headers)
    signer = botocore.auth.S3SigV4QueryAuth(
        botocore.credentials.Credentials(*credentials), "s3", region, window.expires
    )
    with pytest.MonkeyPatch.context() as patch:
        stop_clock(patch, window.signed_at)
        signer.add_auth(request)
    made = presign(method, place, KEY, credentials, window, [*query.items()], [*headers.items()])
    assert made == request.url


@pytest.mark.parametrize(
    "custom",
    [
        "s3.acme.example",
        "ftp://s3.acme.example",
        "https://",
        "https://s3.acme.example/?a=b",
        "https://s3.acme.example/#a",
        "https://s3.acme.example:port",
        "https://[::1",
        "https://user:hidden@s3.acme.example",
    ],
)
def test_an_unusable_endpoint_is_refused(custom: str) -> None:
    """An endpoint that is no plain http(s) URL is refused by the variable's name, without its password."""
    with pytest.raises(InvalidSetting, match="AWS_ENDPOINT_URL_S3") as refusal:
        endpoint(BUCKET, REGION, custom)
    assert "hidden" not in str(refusal.value)


def test_an_unknown_region_is_refused() -> None:
    """Without a region nothing can be signed, and the message says what to set."""
    with pytest.raises(InvalidSetting, match="AWS_REGION"):
        endpoint(BUCKET, "")


@pytest.mark.parametrize("lifetime", [0, -1, LONGEST_LIFETIME + 1])
def test_a_lifetime_that_s3_refuses_is_refused_here(lifetime: int) -> None:
    """A lifetime outside of what S3 accepts is refused by the setting's name."""
    with pytest.raises(InvalidSetting, match="PRESIGN_LIFETIME"):
        signing_window(0, lifetime)


def test_secrets_are_not_shown() -> None:
    """Credentials that end up in a log line or an error show their key id only."""
    shown = f"{TEMPORARY!r} {TEMPORARY}"
    assert "ASIAEXAMPLE" in shown
    assert TEMPORARY.secret_access_key not in shown
    assert str(TEMPORARY.session_token) not in shown


instants = st.floats(0, 4_000_000_000) | st.integers(0, 4_000_000_000)
lifetimes = st.integers(2, LONGEST_LIFETIME)


@given(instants, lifetimes)
def test_a_link_always_has_half_of_its_lifetime_left(now: float, lifetime: int) -> None:
    """A link is never signed in the future, and at least half of its lifetime is still to come."""
    window = signing_window(now, lifetime)
    assert window.signed_at <= now
    assert window.signed_at + window.expires - now >= lifetime / 2


@given(instants, lifetimes, st.floats(0, 1, exclude_max=True))
def test_a_link_stays_the_same_for_a_third_of_its_lifetime(
    now: float, lifetime: int, later: float
) -> None:
    """Every instant within a third of the lifetime from the signing instant has the same window."""
    window = signing_window(now, lifetime)
    step = max(1, lifetime // 3)
    assert signing_window(window.signed_at + int(later * step), lifetime) == window
    assert signing_window(window.signed_at + step, lifetime) != window


@pytest.fixture(scope="module")
def bucket(s3_weed: S3Server) -> str:
    """A bucket with an object under ``KEY``."""
    name = s3_weed.new_bucket()
    s3_weed.client().put_object(Bucket=name, Key=KEY, Body=b"wheel")
    return name


class Answer(NamedTuple):
    """A status and a body."""

    status: int
    body: bytes


def ask(method: str, url: str, body: bytes | None = None) -> Answer:
    """Send the request as a client does that has nothing but the link."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=30)
    try:
        connection.request(method, url.removeprefix(f"http://{parts.netloc}"), body)
        answer = connection.getresponse()
        return Answer(answer.status, answer.read())
    finally:
        connection.close()


def link(
    server: S3Server,
    method: str,
    bucket: str,
    key: str = KEY,
    query: tuple[tuple[str, str], ...] = (),
    now: float | None = None,
) -> str:
    """A link of one minute for an object on ``server``."""
    window = signing_window(time.time() if now is None else now, 60)
    place = endpoint(bucket, server.region, server.url)
    return presign(method, place, key, server.credentials, window, query)


def test_a_link_gives_the_object(s3_weed: S3Server, bucket: str) -> None:
    """A server that checks signatures answers a GET link with the bytes, a HEAD link with success."""
    assert ask("GET", link(s3_weed, "GET", bucket)) == (200, b"wheel")
    assert ask("HEAD", link(s3_weed, "HEAD", bucket)) == (200, b"")


def test_a_link_is_for_one_method(s3_weed: S3Server, bucket: str) -> None:
    """A link signed for GET does not answer HEAD, PUT or DELETE, nor one for HEAD a GET."""
    for method in ("HEAD", "PUT", "DELETE"):
        assert ask(method, link(s3_weed, "GET", bucket)).status == 403
    assert ask("GET", link(s3_weed, "HEAD", bucket)).status == 403
    assert ask("GET", link(s3_weed, "GET", bucket)) == (200, b"wheel")


@pytest.mark.parametrize("key", ODD_KEYS)
def test_odd_keys_arrive(s3_weed: S3Server, bucket: str, key: str) -> None:
    """A PUT link writes exactly the key it was made for, and a GET link reads it."""
    assert ask("PUT", link(s3_weed, "PUT", bucket, key), key.encode()).status == 200
    assert ask("GET", link(s3_weed, "GET", bucket, key)) == (200, key.encode())
    stored = s3_weed.client().get_object(Bucket=bucket, Key=key)
    assert stored["Body"].read() == key.encode()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("X-Amz-Signature=", "X-Amz-Signature=0"),
        ("X-Amz-Expires=60", "X-Amz-Expires=61"),
        ("acme-1.0", "acme-1.1"),
        ("AKIDWEED", "AKIDWEEE"),
        ("us-east-1", "us-east-2"),
        ("?X-Amz", "?response-content-type=text%2Fhtml&X-Amz"),
    ],
)
def test_a_tampered_link_is_refused(s3_weed: S3Server, bucket: str, old: str, new: str) -> None:
    """Whatever is changed in a link, it no longer works."""
    good = link(s3_weed, "GET", bucket)
    assert old in good
    assert ask("GET", good.replace(old, new)).status == 403


def test_a_wrong_secret_is_refused(s3_weed: S3Server, bucket: str) -> None:
    """A link signed with another secret is refused: the server does check."""
    wrong = s3_weed._replace(credentials=Credentials("AKIDWEED", "another"))
    assert ask("GET", link(wrong, "GET", bucket)).status == 403


def test_an_expired_link_is_refused(s3_weed: S3Server, bucket: str) -> None:
    """A link works until its lifetime is over, counted from the instant it was signed for."""
    assert ask("GET", link(s3_weed, "GET", bucket, now=time.time() - 30)).status == 200
    assert ask("GET", link(s3_weed, "GET", bucket, now=time.time() - 61)).status == 403


def test_parts_are_uploaded_by_link(s3_weed: S3Server, bucket: str) -> None:
    """An upload begun elsewhere takes its parts by links, each for its own part only."""
    client, key = s3_weed.client(), "packages/acme/parts.whl"
    upload = client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    bodies = [b"1" * 5 * 1024 * 1024, b"2"]
    for number, body in enumerate(bodies, 1):
        query = (("uploadId", upload), ("partNumber", str(number)))
        url = link(s3_weed, "PUT", bucket, key, query)
        assert ask("PUT", url.replace(f"partNumber={number}", "partNumber=9"), body).status == 403
        assert ask("PUT", url, body).status == 200
    parts = client.list_parts(Bucket=bucket, Key=key, UploadId=upload)["Parts"]
    client.complete_multipart_upload(
        Bucket=bucket,
        Key=key,
        UploadId=upload,
        MultipartUpload={
            "Parts": [{"ETag": part["ETag"], "PartNumber": part["PartNumber"]} for part in parts]
        },
    )
    assert ask("GET", link(s3_weed, "GET", bucket, key)) == (200, b"".join(bodies))
