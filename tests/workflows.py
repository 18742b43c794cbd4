"""Step Functions in this process: a definition of statemachines/, run as it is deployed.

The interpreter is moto's, which has it from LocalStack: another reading of the States Language than ours,
distributed maps included (https://docs.getmoto.org/en/latest/docs/services/stepfunctions.html). What it
leaves open is filled in: JSONata, by a library of its own; whom a task's function name means; and where S3
is. An item that fails for good does not fail its distributed map here, as it does on AWS: ``failed_items``
tells of it.
"""

import io
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple
from unittest.mock import patch
from uuid import uuid4

from jsonata import Jsonata
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.eval import (
    resource_eval_s3,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.eval.evaluation_details import ExecutionDetails
from moto.stepfunctions.parser.asl.jsonata import jsonata
from moto.stepfunctions.parser.backend import execution
from moto.stepfunctions.parser.models import stepfunctions_parser_backends

import tools
from wheelyard.entry.tracing import Handler

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LARGEST_PAYLOAD = 256 * 1024
"""Bytes: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html"""

ENDS_WITHIN = 120.0
"""Seconds that a run has; it takes a few."""

_INTEGRATIONS = {
    "LambdaInvoke": "arn:aws:states:::lambda:invoke",
    "GetObject": "arn:aws:states:::s3:getObject",
}


class Run(NamedTuple):
    """How a run ended, which pauses its retries would have made, and how many items of maps failed."""

    status: str
    output: Any
    error: str | None
    cause: str | None
    pauses: list[float]
    failed_items: int


class Functions:
    """Lambda, as the interpreter calls it: handlers by the names of their functions."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = handlers

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        """A function's answer, or its error by the name of the exception's class, as Lambda tells it."""
        assert len(Payload) <= LARGEST_PAYLOAD
        try:
            answer = self._handlers[FunctionName](json.loads(Payload), None)
        except Exception as error:
            told = {"errorType": type(error).__name__, "errorMessage": str(error)}
            return {"FunctionError": "Unhandled", "Payload": _stream(told)}
        return {"StatusCode": 200, "Payload": _stream(answer)}


def run(
    machine: str,
    substitutions: Mapping[str, str],
    handlers: Mapping[str, Handler],
    s3: "S3Client | None" = None,
    payload: object = None,
) -> Run:
    """Run ``statemachines/<machine>.asl.json`` from start to end; nothing waits before it tries again."""
    definition = filled(machine, {**_INTEGRATIONS, **substitutions})
    backend = stepfunctions_parser_backends["123456789012"]["us-east-1"]
    pauses: list[float] = []
    with _wired(Functions(handlers), s3, pauses):
        made = backend.create_state_machine(
            f"{machine}-{uuid4().hex}", definition, "arn:aws:iam::123456789012:role/any"
        )
        started = backend.start_execution(made.arn, f"run-{uuid4().hex}", json.dumps(payload or {}))
        deadline = time.monotonic() + ENDS_WITHIN
        while started.status == "RUNNING":
            assert time.monotonic() < deadline, "the run does not end"
            time.sleep(0.01)
    maps = backend.list_map_runs(started.exec_arn)["mapRuns"]
    counts = [backend.describe_map_run(each["mapRunArn"])["itemCounts"] for each in maps]
    failed = sum(count["failed"] for count in counts)
    return Run(started.status, started.output, started.error, started.cause, pauses, failed)


def filled(machine: str, substitutions: Mapping[str, str]) -> str:
    """The definition with its ``DefinitionSubstitutions``, of which none may be missing."""
    text = Path(tools.ROOT / "statemachines" / f"{machine}.asl.json").read_text()
    for name, value in substitutions.items():
        text = text.replace(f"${{{name}}}", value)
    assert "${" not in text
    return text


@contextmanager
def _wired(functions: Functions, s3: "S3Client | None", pauses: list[float]) -> Iterator[None]:
    clients = {"lambda": functions, "s3": s3}

    def client_for(service: str, **_: object) -> object:
        return clients[service]

    clock = SimpleNamespace(sleep=pauses.append)
    with (
        patch.object(execution, "ExecutionDetails", _details),
        patch.object(lambda_eval_utils, "boto_client_for", client_for),
        patch.object(resource_eval_s3, "boto_client_for", client_for),
        patch.object(retrier_decl, "time", clock),
        patch.object(jsonata, "_eval_jsonata", _evaluated),
    ):
        yield


def _details(*, start_time: datetime, **fields: Any) -> ExecutionDetails:
    """With the time as text, as AWS has it: moto's own state ``Wait`` takes no other."""
    text = start_time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return ExecutionDetails(start_time=text, **fields)


_one_at_a_time = Lock()


def _evaluated(expression: str) -> Any:
    with _one_at_a_time:
        return Jsonata(expression).evaluate(None)


def _stream(answer: object) -> io.BytesIO:
    document = json.dumps(answer).encode()
    assert len(document) <= LARGEST_PAYLOAD
    return io.BytesIO(document)
