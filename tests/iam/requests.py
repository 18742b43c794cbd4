"""Which actions a request to S3 needs, as AWS documents them.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html,
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html and, for uploads in
parts, https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html#mpuAndPermissions. A request
that this project does not send is none that is known here.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple
from urllib.parse import parse_qs, unquote

from iam.policies import Asked

# By the method and the parameters of the query that make another operation of it.
_ON_OBJECTS = {
    ("GET", ()): "s3:GetObject",
    (
        "HEAD",
        (),
    ): "s3:GetObject",  # https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
    ("PUT", ()): "s3:PutObject",
    ("DELETE", ()): "s3:DeleteObject",
    ("POST", ("uploads",)): "s3:PutObject",
    ("PUT", ("partNumber", "uploadId")): "s3:PutObject",
    ("POST", ("uploadId",)): "s3:PutObject",
    ("DELETE", ("uploadId",)): "s3:AbortMultipartUpload",
    ("GET", ("uploadId",)): "s3:ListMultipartUploadParts",
}
_ON_BUCKETS = {
    ("GET", ()): "s3:ListBucket",
    ("HEAD", ()): "s3:ListBucket",
    ("GET", ("uploads",)): "s3:ListBucketMultipartUploads",
    ("PUT", ()): "s3:CreateBucket",
}
_OPERATIONS = {"uploads", "uploadId", "partNumber", "delete", "versionId", "acl", "tagging"}


class S3Request(NamedTuple):
    """A request to S3, addressed path-style; header names in lower case, ``key`` empty for the bucket."""

    method: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]

    @property
    def access_key(self) -> str:
        """Whose signature it has, in the query or a header; empty for nobody's."""
        presigned = self.query.get("X-Amz-Credential", "")
        found = re.search(r"Credential=([^/,]+)/", self.headers.get("authorization", ""))
        return presigned.partition("/")[0] or (found[1] if found else "")

    @property
    def session_token(self) -> str:
        """The token of temporary credentials, empty without one."""
        return self.query.get("X-Amz-Security-Token") or self.headers.get(
            "x-amz-security-token", ""
        )

    @property
    def deletes_many(self) -> bool:
        """Whether it names the keys to be deleted in its body."""
        return (self.method, self.key, "delete" in self.query) == ("POST", "", True)


def parse(method: str, path: str, query: str, headers: Mapping[str, str]) -> S3Request:
    """``path`` is decoded already, ``query`` is not."""
    bucket, _, key = path.lstrip("/").partition("/")
    found = parse_qs(query, keep_blank_values=True)
    return S3Request(method, bucket, key, {name: each[0] for name, each in found.items()}, headers)


def actions(request: S3Request, keys: Sequence[str] = ()) -> list[Asked]:
    """What has to be allowed, all of it. ``keys`` are those that a request to delete many names."""
    conditions = _conditions(request)
    if request.deletes_many:
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html: each as if alone
        return [Asked("s3:DeleteObject", arn(request.bucket, key), conditions) for key in keys]
    known = _ON_OBJECTS if request.key else _ON_BUCKETS
    operation = tuple(sorted(_OPERATIONS & set(request.query)))
    action = known[request.method, operation]
    asked = [Asked(action, arn(request.bucket, request.key), conditions)]
    if "x-amz-copy-source" in request.headers:
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPartCopy.html
        assert action == "s3:PutObject"
        source = unquote(request.headers["x-amz-copy-source"]).lstrip("/").partition("/")
        asked.append(Asked("s3:GetObject", arn(source[0], source[2]), conditions))
    return asked


def arn(bucket: str, key: str = "") -> str:
    """The name of a bucket, or of an object in it, as policies have it."""
    return f"arn:aws:s3:::{bucket}/{key}" if key else f"arn:aws:s3:::{bucket}"


def _conditions(request: S3Request) -> dict[str, str]:
    """The condition keys that this project's policies ask for; loopback stands for TLS."""
    found = {"aws:securetransport": "true"}
    if "if-none-match" in request.headers and request.method in {"PUT", "POST"}:
        found["s3:if-none-match"] = request.headers["if-none-match"]
    return found
