"""The guard that the tests put before S3: what requests need, what policies say, what is answered."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from iam.guard import Guard
from iam.policies import Asked, Policies
from iam.requests import actions, parse
from servers import S3Server, moto_server
from wheelyard.storage.presign import Credentials

OBJECT, BUCKET = "arn:aws:s3:::b/k", "arn:aws:s3:::b"
SOURCE = {"x-amz-copy-source": "b/other%2Bname"}


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "needed"),
    [
        ("GET", "/b/k", "", {}, [("s3:GetObject", OBJECT)]),
        ("HEAD", "/b/k", "", {}, [("s3:GetObject", OBJECT)]),
        ("GET", "/b/k", "X-Amz-Signature=x", {}, [("s3:GetObject", OBJECT)]),
        ("PUT", "/b/k", "", {}, [("s3:PutObject", OBJECT)]),
        ("DELETE", "/b/k", "", {}, [("s3:DeleteObject", OBJECT)]),
        ("POST", "/b/k", "uploads=", {}, [("s3:PutObject", OBJECT)]),
        ("PUT", "/b/k", "partNumber=1&uploadId=u", {}, [("s3:PutObject", OBJECT)]),
        ("POST", "/b/k", "uploadId=u", {}, [("s3:PutObject", OBJECT)]),
        ("DELETE", "/b/k", "uploadId=u", {}, [("s3:AbortMultipartUpload", OBJECT)]),
        ("GET", "/b/k", "uploadId=u", {}, [("s3:ListMultipartUploadParts", OBJECT)]),
        (
            "PUT",
            "/b/k",
            "partNumber=1&uploadId=u",
            SOURCE,
            [("s3:PutObject", OBJECT), ("s3:GetObject", "arn:aws:s3:::b/other+name")],
        ),
        ("GET", "/b", "list-type=2&prefix=k", {}, [("s3:ListBucket", BUCKET)]),
        ("GET", "/b/", "uploads=", {}, [("s3:ListBucketMultipartUploads", BUCKET)]),
    ],
)
def test_what_a_request_needs(
    method: str, path: str, query: str, headers: dict[str, str], needed: list[tuple[str, str]]
) -> None:
    """Each request needs the actions that AWS documents for its operation."""
    asked = actions(parse(method, path, query, headers))
    assert [(each.action, each.resource) for each in asked] == needed


@pytest.mark.parametrize("query", ["acl=", "tagging=", "versionId=1"])
def test_an_operation_that_is_not_known(query: str) -> None:
    """What this project does not send is an error, and not taken for something else."""
    with pytest.raises(KeyError):
        actions(parse("GET", "/b/k", query, {}))


def document(effect: str, action: Any, resource: Any, **more: object) -> dict[str, Any]:
    """A policy of one statement."""
    return {"Statement": [{"Effect": effect, "Action": action, "Resource": resource, **more}]}


UNCONDITIONALLY = {"Null": {"s3:if-none-match": "true"}}


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        (Asked("s3:GetObject", f"{BUCKET}/a/x"), True),
        (Asked("s3:getobject", f"{BUCKET}/a/deep/er"), True),
        (Asked("s3:GetObject", f"{BUCKET}/ab"), False),
        (Asked("s3:GetObjectAcl", f"{BUCKET}/a/x"), False),
        (Asked("s3:DeleteObject", f"{BUCKET}/a/x"), False),
        (Asked("s3:PutObject", f"{BUCKET}/a/x"), True),
        (Asked("s3:PutObject", f"{BUCKET}/audit/x"), False),
        (Asked("s3:PutObject", f"{BUCKET}/audit/x", {"s3:if-none-match": "*"}), True),
    ],
)
def test_what_policies_say(asked: Asked, allowed: bool) -> None:
    """Who is granted nothing may do nothing, and a denial beats a grant where its condition holds."""
    policies = Policies.of(
        [
            document("Allow", "s3:GetObject", [f"{BUCKET}/a/*"]),
            document("Allow", ["s3:PutObject"], f"{BUCKET}/*"),
        ],
        [document("Deny", "s3:PutObject", f"{BUCKET}/audit/*", Condition=UNCONDITIONALLY)],
    )
    assert (policies.grant(asked) is not None) is allowed


def test_one_right_less() -> None:
    """A right can be taken away, and only one that is there."""
    policies = Policies.of([document("Allow", ["s3:GetObject", "s3:PutObject"], f"{BUCKET}/a/*")])
    fewer = policies.without("s3:GetObject", "a")
    assert fewer.grant(Asked("s3:GetObject", f"{BUCKET}/a/x")) is None
    assert fewer.grant(Asked("s3:PutObject", f"{BUCKET}/a/x")) is not None
    with pytest.raises(AssertionError):
        fewer.without("s3:GetObject", "a")


SOMEBODY = Credentials("ASIASOMEBODY", "secret", "token")


@pytest.fixture
def guarded() -> Iterator[tuple[Guard, S3Server]]:
    """A server on which somebody may do this and that below ``a/``, and its owner everything."""
    guard = Guard()
    below = document("Allow", ["s3:GetObject", "s3:DeleteObject"], "arn:aws:s3:::bucket/a/*")
    guard.know("somebody", SOMEBODY, Policies.of([below]))
    owner = Credentials("AKIAOWNER", "secret")
    guard.know("owner", owner, Policies.of([document("Allow", "*", "*")]))
    with moto_server(before=guard.before) as server:
        found = server._replace(credentials=owner)
        found.client().create_bucket(Bucket="bucket")
        for key in ("a/1", "a/2", "c/1"):
            found.client().put_object(Bucket="bucket", Key=key, Body=b"")
        yield guard, found


def test_deleting_many(guarded: tuple[Guard, S3Server]) -> None:
    """What may be deleted is, and the rest is told key by key, as S3 does."""
    guard, server = guarded
    client = server._replace(credentials=SOMEBODY).client()
    objects = [{"Key": key} for key in ("a/1", "c/1", "a/2")]
    told = client.delete_objects(Bucket="bucket", Delete={"Objects": objects})  # type: ignore[typeddict-item]
    assert sorted(each["Key"] for each in told["Deleted"]) == ["a/1", "a/2"]
    assert [(each["Key"], each["Code"]) for each in told["Errors"]] == [("c/1", "AccessDenied")]
    left = server.client().list_objects_v2(Bucket="bucket")["Contents"]
    assert [each["Key"] for each in left] == ["c/1"]
    assert [each.asked.resource for each in guard.refused] == ["arn:aws:s3:::bucket/c/1"]
    assert {grant.action for name, grant in guard.used if name == "somebody"} == {"s3:DeleteObject"}


@pytest.mark.parametrize(
    ("action", "key"), [("get_object", "c/1"), ("put_object", "a/1"), ("get_object", "a/none")]
)
def test_denied(guarded: tuple[Guard, S3Server], action: str, key: str) -> None:
    """403 AccessDenied; also for what is not there, to who may not list the bucket."""
    client = guarded[1]._replace(credentials=SOMEBODY).client()
    with pytest.raises(ClientError, match="AccessDenied"):
        getattr(client, action)(Bucket="bucket", Key=key)


def test_strangers(guarded: tuple[Guard, S3Server]) -> None:
    """Nobody's signature, an unknown one, and one without the session's token are refused."""
    server = guarded[1]
    assert requests.get(f"{server.url}/bucket/a/1", timeout=60).status_code == 403
    for credentials in (Credentials("AKIA", "x"), SOMEBODY._replace(session_token=None)):
        client = server._replace(credentials=credentials).client()
        with pytest.raises(ClientError, match="AccessDenied"):
            client.get_object(Bucket="bucket", Key="a/1")
    client = server._replace(credentials=SOMEBODY).client()
    assert client.get_object(Bucket="bucket", Key="a/1")["ContentLength"] == 0
