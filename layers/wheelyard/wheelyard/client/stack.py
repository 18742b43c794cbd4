"""A deployed stack, asked under IAM: where its index is, and what its admin function does for us."""

import getpass
import json
import platform
import time
from base64 import b64encode
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from wheelyard.errors import RemoteFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import boto3

# An order is carried out once, however long it takes; the function itself is given up earlier.
_SECONDS = 900

# Seconds. A run takes minutes.
_BETWEEN_LOOKS = 2


class Outputs(NamedTuple):
    """What the stack says of itself; one that has no front of its own has no addresses."""

    admin_function: str
    index_url: str
    upload_url: str


class Stack:
    """A stack that is deployed with the AWS account, region and credentials that boto3 finds."""

    def __init__(self, name: str, region: str | None = None, profile: str | None = None) -> None:
        """Raises ``RemoteFailure`` where boto3 finds no region or no such profile."""
        # Only those who ask a stack need it, and it is large.
        import boto3

        self.name = name
        with _reported(name):
            self._session = boto3.Session(region_name=region, profile_name=profile)

    def caller(self) -> str:
        """Who asks, as AWS knows them: ``user/alice``, or ``assumed-role/developer/alice``.

        Raises ``RemoteFailure``.
        """
        with _reported(self.name):
            arn = str(self._session.client("sts").get_caller_identity()["Arn"])
        # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
        return arn.rpartition(":")[2]

    def outputs(self) -> Outputs:
        """The stack's outputs. Raises ``RemoteFailure``."""
        found = self._outputs()
        function = self._required(found, "AdminFunction")
        return Outputs(function, found.get("IndexUrl", ""), found.get("UploadUrl", ""))

    def _outputs(self) -> dict[str, str]:
        with _reported(self.name):
            client = self._session.client("cloudformation")
            described = client.describe_stacks(StackName=self.name)
        return {
            output["OutputKey"]: output["OutputValue"]
            for output in described["Stacks"][0].get("Outputs", [])
        }

    def _required(self, outputs: "Mapping[str, str]", name: str) -> str:
        try:
            return outputs[name]
        except KeyError as error:
            raise RemoteFailure(
                f"stack {self.name!r} has no output {name!r}: is it one of Wheelyard's, and did its "
                "deployment succeed?"
            ) from error

    def order(self, name: str, argument: "Mapping[str, Any] | str") -> dict[str, Any]:
        """Have the admin function carry out an order; returns its answer. Raises ``RemoteFailure``."""
        from botocore.config import Config

        function = self.outputs().admin_function
        once = Config(read_timeout=_SECONDS, retries={"total_max_attempts": 1})
        with _reported(self.name):
            answer = self._session.client("lambda", config=once).invoke(
                FunctionName=function,
                Payload=json.dumps({name: argument}),
                ClientContext=_client_context(self._session),
            )
            document = json.load(answer["Payload"])
        if answer.get("FunctionError"):
            raise RemoteFailure(str(document.get("errorMessage", "the admin function failed")))
        found: dict[str, Any] = document
        return found

    def run(
        self,
        workflow: str,
        payload: "Mapping[str, object]",
        wait: "Callable[[], None]" = lambda: time.sleep(_BETWEEN_LOOKS),
    ) -> Any:
        """Run the workflow whose ARN is the output ``workflow`` to its end; returns what it says then.

        ``wait`` is called between looks. Who is interrupted leaves it running. Raises ``RemoteFailure``.
        """
        machine = self._required(self._outputs(), workflow)
        with _reported(self.name):
            client = self._session.client("stepfunctions")
            started = client.start_execution(stateMachineArn=machine, input=json.dumps(payload))
            arn = started["executionArn"]
            while (found := client.describe_execution(executionArn=arn))["status"] == "RUNNING":
                wait()
        if found["status"] != "SUCCEEDED":
            reason = _told(found.get("cause", "")) or "it says no reason"
            raise RemoteFailure(f"the run ended {found['status']}: {reason} ({arn})")
        return json.loads(found["output"])


def _told(cause: str) -> str:
    """The cause of a failed run in words: a function's error is in it as JSON, its trace included."""
    before, brace, rest = cause.partition("{")
    with suppress(ValueError, KeyError, TypeError):
        return f"{before}{json.loads(brace + rest)['errorMessage']}"
    return cause


def system_user() -> str:
    """Who works on this machine, empty if it does not know."""
    with suppress(OSError, KeyError):
        return getpass.getuser()
    return ""


def _client_context(session: "boto3.Session") -> str:
    """Who invokes, for the audit trail: Lambda does not tell the function."""
    from botocore.exceptions import BotoCoreError, ClientError

    user = system_user()
    with suppress(BotoCoreError, ClientError):
        user = session.client("sts").get_caller_identity()["Arn"]
    said = {"custom": {"user": user, "client": platform.node()}}
    return b64encode(json.dumps(said).encode()).decode()


@contextmanager
def _reported(name: str) -> "Iterator[None]":
    """AWS's errors, in one line."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise RemoteFailure(f"stack {name!r} cannot be asked: {error}") from error
