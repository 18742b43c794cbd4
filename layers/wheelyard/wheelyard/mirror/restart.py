"""Restart, the workflow's last step: have a function's environments replaced, so that they read the new
manifest.

Lambda replaces the environments of a function whose configuration changes
(https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html). The update takes the whole
map of environment variables, so the map is read, one variable is set, and the map is written only if
nobody else changed the function in between.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from wheelyard.errors import RestartConflict, RestartFailed
from wheelyard.mirror.payloads import Restarted

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

VARIABLE = "WHEELYARD_SNAPSHOT"
"""The one environment variable that is changed. Nothing reads it."""

_ATTEMPTS = 6
# The function is being updated, was updated since it was read, or too many are.
_CONFLICTS = (
    "ResourceConflictException",
    "PreconditionFailedException",
    "TooManyRequestsException",
)


def restart(
    client: "LambdaClient",
    function: str,
    snapshot: str,
    sleep: Callable[[float], None] = time.sleep,
) -> Restarted:
    """Set ``VARIABLE`` of ``function`` to ``snapshot`` and wait until the change is in force.

    Raises ``RestartConflict`` where others change the function for longer than this can wait, and
    ``RestartFailed`` where its variables cannot be read: writing would then lose them.
    """
    from botocore.exceptions import ClientError

    for attempt in range(_ATTEMPTS):
        try:
            _update(client, function, snapshot)
            break
        except ClientError as error:
            if error.response["Error"]["Code"] not in _CONFLICTS:
                raise
            sleep(2**attempt / 2)
    else:
        raise RestartConflict(
            f"function {function!r} is being changed by somebody else: run the workflow again"
        )
    client.get_waiter("function_updated").wait(
        FunctionName=function, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    return Restarted(function=function, snapshot=snapshot)


def _update(client: "LambdaClient", function: str, snapshot: str) -> None:
    configuration = client.get_function_configuration(FunctionName=function)
    environment = configuration.get("Environment", {})
    if "Error" in environment:
        raise RestartFailed(
            f"the environment variables of function {function!r} cannot be read: "
            f"{environment['Error'].get('ErrorCode')}"
        )
    variables = environment.get("Variables", {})
    if variables.get(VARIABLE) != snapshot:
        client.update_function_configuration(
            FunctionName=function,
            Environment={"Variables": {**variables, VARIABLE: snapshot}},
            RevisionId=configuration["RevisionId"],
        )
