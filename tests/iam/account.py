"""A deployed stack's roles on an S3 that asks their policies."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from cfnlint.decode import decode

import lambdas
import tools
from iam.guard import Guard
from iam.policies import Policies
from servers import Recorder, S3Server, moto_server
from stack import NAME, Stack
from wheelyard.storage.presign import Credentials

ROLES = ("Request", "Upload", "Admin", "Arrival", "Rebuild", "Pull", "Fetch", "Shard", "Activate")
"""Of the functions that use the bucket."""

EDGE = "Edge"
"""The role of the function at CloudFront's edge, which is deployed by itself."""

_ANYTHING = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


class Account(NamedTuple):
    """An S3 with a stack's bucket; ``prefix`` is that of its keys.

    ``recorder`` has what the guard let through.
    """

    server: S3Server
    recorder: Recorder
    guard: Guard
    stack: Stack
    prefix: str
    roles: dict[str, Credentials]

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self.stack.bucket

    def environment(self, role: str, **settings: str) -> dict[str, str]:
        """The environment of the function that has ``role``."""
        settings["REPO_BASE_PREFIX"] = self.prefix
        server = self.server._replace(credentials=self.roles[role])
        return lambdas.environment(server, self.bucket, **settings)

    def client(self, role: str) -> Any:
        """A boto3 client of S3 that is ``role``."""
        return self.server._replace(credentials=self.roles[role]).client()

    def put(self, key: str, body: bytes) -> None:
        """Have an object in the bucket, as its owner puts it there."""
        self.client("Owner").put_object(Bucket=self.bucket, Key=f"{self.prefix}{key}", Body=body)


@contextmanager
def account_of(stack: Stack, prefix: str) -> Iterator[Account]:
    """Everybody signs with temporary credentials, as functions do."""
    names = (*ROLES, EDGE, "Owner")
    roles = {
        name: Credentials(f"ASIA{name.upper()}", f"secret-{name}", f"token+/{name}==")
        for name in names
    }
    of_bucket = [json.loads(stack.client("s3").get_bucket_policy(Bucket=stack.bucket)["Policy"])]
    guard = Guard()
    for name in ROLES:
        guard.know(name, roles[name], Policies.of(documents(stack, name), of_bucket))
    guard.know(EDGE, roles[EDGE], Policies.of(_edge_documents(stack, prefix), of_bucket))
    guard.know("Owner", roles["Owner"], Policies.of([_ANYTHING]))
    recorder = Recorder()
    with moto_server(recorder, guard.before) as server:
        account = Account(server, recorder, guard, stack, prefix, roles)
        account.client("Owner").create_bucket(Bucket=stack.bucket)
        yield account


def documents(stack: Stack, role: str, deployed: str = NAME) -> list[Any]:
    """The documents of the policies that a role was deployed with."""
    resource = stack.client("cloudformation").describe_stack_resource(
        StackName=deployed, LogicalResourceId=f"{role}Role"
    )
    name = resource["StackResourceDetail"]["PhysicalResourceId"]
    iam = stack.client("iam")
    policies = iam.list_role_policies(RoleName=name)["PolicyNames"]
    assert policies
    return [
        iam.get_role_policy(RoleName=name, PolicyName=each)["PolicyDocument"] for each in policies
    ]


def _edge_documents(stack: Stack, prefix: str) -> list[Any]:
    """Of fronts/edge.yaml the role alone is deployed: the emulator has no edge."""
    whole = json.loads(json.dumps(decode(str(tools.ROOT / "fronts/edge.yaml"))[0]))
    template = {
        "Parameters": {
            name: each
            for name, each in whole["Parameters"].items()
            if name in {"IndexBucket", "RepoBasePrefix", "KmsKeyArn"}
        },
        "Conditions": {name: whole["Conditions"][name] for name in ("HasPrefix", "HasKmsKey")},
        "Resources": {"EdgeRole": whole["Resources"]["EdgeRole"]},
    }
    values = {"IndexBucket": stack.bucket, "RepoBasePrefix": prefix.rstrip("/")}
    client = stack.client("cloudformation")
    client.create_stack(
        StackName="edge",
        TemplateBody=json.dumps(template),
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value} for key, value in values.items()
        ],
    )
    client.get_waiter("stack_create_complete").wait(
        StackName="edge", WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    return documents(stack, EDGE, "edge")
