"""Starting the reindex workflow on AWS."""

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_logger = logging.getLogger(__name__)

VARIABLE = "REINDEX_STATE_MACHINE"
"""The environment variable with the state machine's ARN."""


class Workflow:
    """The state machine. boto3 is imported when one is started, and no sooner."""

    def __init__(
        self,
        arn: str,
        now: Callable[[], datetime],
        client: "Callable[[], SFNClient] | None" = None,
    ) -> None:
        """``now`` is in UTC; ``client`` makes a client, boto3's for the region that the ARN names."""
        self._arn = arn
        self._now = now
        self._make_client = client or self._boto3_client

    @cached_property
    def _client(self) -> "SFNClient":
        return self._make_client()

    def _boto3_client(self) -> "SFNClient":
        import boto3
        from botocore.config import Config

        # An upload waits for this.
        patience = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 3})
        return boto3.client("stepfunctions", region_name=self._arn.split(":")[3], config=patience)

    def start(self, *, force: bool = False) -> str:
        """Start a run; returns its ARN. Raises botocore's errors."""
        answer = self._client.start_execution(
            stateMachineArn=self._arn,
            name=f"asked-{uuid4().hex}",
            input=json.dumps({"force": force}),
        )
        return answer["executionArn"]

    def announce(self) -> None:
        """See to it that a run begins after this moment which lists the private projects.

        At most one such run begins a minute: the first at once; whoever comes later in the same minute
        has the next one start with the next minute. An execution's name is unique, and that is all
        the coordination there is. Failing is only logged: the next scheduled run lists the project.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        minute = self._now().astimezone(UTC).replace(second=0, microsecond=0)
        try:
            # No two inputs are the same, or a run that has begun already would be taken for this one.
            if not self._start_automatic(minute, {"relist": True, "for": uuid4().hex}):
                following = minute + timedelta(minutes=1)
                begin = following.strftime("%Y-%m-%dT%H:%M:%SZ")
                self._start_automatic(following, {"relist": True, "notBefore": begin})
        except (BotoCoreError, ClientError):
            _logger.warning("no reindex run could be started", exc_info=True)

    def _start_automatic(self, minute: datetime, payload: Mapping[str, object]) -> bool:
        """Whether there was no run of this name before."""
        try:
            self._client.start_execution(
                stateMachineArn=self._arn,
                name=minute.strftime("auto-%Y%m%dT%H%M"),
                input=json.dumps(payload),
            )
        except self._client.exceptions.ExecutionAlreadyExists:
            return False
        return True


def workflow(environ: Mapping[str, str]) -> Workflow | None:
    """The workflow that the environment names, None if it names none."""
    arn = environ.get(VARIABLE)
    return Workflow(arn, lambda: datetime.now(UTC)) if arn else None
