"""Presigned links: SigV4 query signing for S3, so that file bytes never pass through a function.

A link is good for one method, one key and a bounded time. It is the same text for a while (see
``signing_window``), which lets a client that caches by URL find what it already has.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html. Written out here
because the library that knows it, botocore, costs a cold start hundreds of milliseconds; the tests
hold the result against botocore's byte for byte.
"""

import hmac
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from time import gmtime, strftime
from typing import NamedTuple

from wheelyard.errors import InvalidSetting
from wheelyard.protocol.address import parse_address

ALGORITHM = "AWS4-HMAC-SHA256"
LONGEST_LIFETIME = 7 * 24 * 3600
"""Seconds. S3 refuses an ``X-Amz-Expires`` beyond seven days."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST_LABEL = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")
_PLAIN_PATH = _HOST_LABEL | {"/", "."}
_DNS_SUFFIXES = {
    "cn-": "amazonaws.com.cn",
    "eusc-": "amazonaws.eu",
    "us-iso-": "c2s.ic.gov",
    "us-isob-": "sc2s.sgov.gov",
    "eu-isoe-": "cloud.adc-e.uk",
    "us-isof-": "csp.hci.ic.gov",
}


class Credentials(NamedTuple):
    """An AWS access key; ``session_token`` belongs to temporary ones, such as a function's role."""

    access_key_id: str
    secret_access_key: str
    session_token: str | None = None

    def __repr__(self) -> str:
        """Only the part that is no secret."""
        return f"<Credentials {self.access_key_id}>"


class Endpoint(NamedTuple):
    """Where a bucket answers.

    ``origin``  scheme and authority, as a link begins
    ``host``    the ``Host`` header that a client then sends: no default port, lower case
    ``path``    what stands before the key, percent-encoded: empty, or ``/`` and the bucket
    ``region``  the region that the signature names
    """

    origin: str
    host: str
    path: str
    region: str


class SigningWindow(NamedTuple):
    """``signed_at`` in whole seconds since the epoch, and ``expires`` in seconds from then."""

    signed_at: int
    expires: int


def endpoint(bucket: str, region: str, custom: str | None = None) -> Endpoint:
    """Where ``bucket`` is found: AWS's regional endpoint, or path-style under the URL ``custom``.

    On AWS the bucket is in the host name, since a link to a region's own virtual-hosted endpoint is
    never redirected. A bucket that cannot stand there, such as one with a dot that AWS's wildcard
    certificate would not cover, is addressed path-style.

    Raises InvalidSetting for an empty region and for a ``custom`` that is not a plain http(s) URL.
    """
    if not region:
        raise InvalidSetting("no AWS region is known: set AWS_REGION")
    if custom:
        return _custom_endpoint(bucket, region, custom)
    service = f"s3.{region}.{_dns_suffix(region)}"
    if _is_host_label(bucket):
        host = f"{bucket}.{service}"
        return Endpoint(f"https://{host}", host, "", region)
    return Endpoint(f"https://{service}", service, f"/{_quoted(bucket)}", region)


def signing_window(now: float, lifetime: int) -> SigningWindow:
    """When to sign a link that is handed out at ``now`` and is to hold ``lifetime`` seconds.

    The instant is rounded down to a third of the lifetime: within such a third every link to the same
    object is the same, and from two seconds of lifetime on, at least half of it is left.

    Raises InvalidSetting for a lifetime that S3 does not accept (1 second to 7 days).
    """
    if not 1 <= lifetime <= LONGEST_LIFETIME:
        raise InvalidSetting(
            f"PRESIGN_LIFETIME is {lifetime!r}: S3 takes from 1 to {LONGEST_LIFETIME} seconds"
        )
    step = max(1, lifetime // 3)
    return SigningWindow(int(now // step) * step, lifetime)


def presign(
    method: str,
    endpoint: Endpoint,
    key: str,
    credentials: Credentials,
    window: SigningWindow,
    query: Sequence[tuple[str, str]] = (),
    headers: Sequence[tuple[str, str]] = (),
) -> str:
    """A link by which anybody may do ``method`` (upper case), and nothing else, to the object ``key``.

    ``query`` holds the operation's own parameters, not encoded, such as ``uploadId`` and
    ``partNumber`` of a part upload; they are signed too. The body of a PUT is not. ``headers``, with names
    in lower case, must be sent with the link: S3 takes no ``x-amz-`` header that was not signed.
    """
    stamp = strftime("%Y%m%dT%H%M%SZ", gmtime(window.signed_at))
    scope = f"{stamp[:8]}/{endpoint.region}/s3/aws4_request"
    signed = sorted((("host", endpoint.host), *headers))
    names = ";".join([name for name, _ in signed])
    parameters = [
        *_encoded(query),
        *_authorization(credentials, scope, stamp, window, names),
    ]
    path = f"{endpoint.path}/{_quoted(key, '/')}"
    # The payload of a link that is used later is unknown now, which S3 wants said in these words.
    request = "\n".join(
        (
            method,
            path,
            _query(sorted(parameters)),
            "".join([f"{name}:{' '.join(value.split())}\n" for name, value in signed]),
            names,
            "UNSIGNED-PAYLOAD",
        )
    )
    text = "\n".join((ALGORITHM, stamp, scope, sha256(request.encode()).hexdigest()))
    signing_key = _signing_key(credentials.secret_access_key, stamp[:8], endpoint.region)
    signature = hmac.digest(signing_key, text.encode(), "sha256").hex()
    return f"{endpoint.origin}{path}?{_query(parameters)}&X-Amz-Signature={signature}"


def unsigned(endpoint: Endpoint, key: str, query: Sequence[tuple[str, str]] = ()) -> str:
    """The address of an object, for a bucket that is open to all: without a signature."""
    parameters = _query(_encoded(query))
    link = f"{endpoint.origin}{endpoint.path}/{_quoted(key, '/')}"
    return f"{link}?{parameters}" if parameters else link


def _custom_endpoint(bucket: str, region: str, custom: str) -> Endpoint:
    if "@" in custom.partition("://")[2].partition("/")[0]:  # not shown, for it may be a password
        raise InvalidSetting("AWS_ENDPOINT_URL_S3 must not carry credentials")
    found = parse_address(custom)
    if found is None:
        raise InvalidSetting(
            f"AWS_ENDPOINT_URL_S3 is {custom[:200]!r}: it must be http(s)://host[:port][/path]"
        )
    host = found.host
    if found.port is not None and found.port != _DEFAULT_PORTS[found.scheme]:
        host = f"{host}:{found.port}"
    origin = custom[: len(custom) - len(found.path)]
    base = found.path.rstrip("/")
    path = f"{base}/{bucket}"
    if not _PLAIN_PATH.issuperset(path):
        path = f"{_quoted(base, '/%')}/{_quoted(bucket)}"
    return Endpoint(origin, host, path, region)


def _quoted(text: str, safe: str = "") -> str:
    # Slow to import, and a page needs no links.
    from urllib.parse import quote

    return quote(text, safe=safe)


def _dns_suffix(region: str) -> str:
    """The domain of the partition that ``region`` belongs to."""
    matching = (suffix for prefix, suffix in _DNS_SUFFIXES.items() if region.startswith(prefix))
    return next(matching, "amazonaws.com")


def _is_host_label(bucket: str) -> bool:
    return (
        3 <= len(bucket) <= 63
        and _HOST_LABEL.issuperset(bucket)
        and not bucket.startswith("-")
        and not bucket.endswith("-")
    )


@lru_cache(maxsize=8)
def _authorization(
    credentials: Credentials, scope: str, stamp: str, window: SigningWindow, names: str
) -> list[tuple[str, str]]:
    """The signature's own parameters, encoded: the same for all links of a window."""
    parameters = [
        ("X-Amz-Algorithm", ALGORITHM),
        ("X-Amz-Credential", f"{credentials.access_key_id}/{scope}"),
        ("X-Amz-Date", stamp),
        ("X-Amz-Expires", str(window.expires)),
        ("X-Amz-SignedHeaders", names),
    ]
    if credentials.session_token:
        parameters.append(("X-Amz-Security-Token", credentials.session_token))
    return _encoded(parameters)


def _encoded(parameters: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(_quoted(name), _quoted(value)) for name, value in parameters]


def _query(parameters: Sequence[tuple[str, str]]) -> str:
    return "&".join([f"{name}={value}" for name, value in parameters])


@lru_cache(maxsize=8)
def _signing_key(secret: str, date: str, region: str) -> bytes:
    """The key of one day and region: cached, for it is most of the work of a link."""
    key = f"AWS4{secret}".encode()
    for part in (date, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
