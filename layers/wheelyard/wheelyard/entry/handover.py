"""Handing files that take too long for one request over to the pull function."""

import json
import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING

from wheelyard.protocol.names import ProjectName

if TYPE_CHECKING:
    from wheelyard.mirror.files import HandOver

_logger = logging.getLogger(__name__)

VARIABLE = "PULL_FUNCTION"
"""The environment variable with the pull function's name."""


def hand_over(environ: Mapping[str, str]) -> "HandOver":
    """What has a file fetched by the function that the environment names."""
    function = environ.get(VARIABLE)

    def order(name: ProjectName, filename: str) -> None:
        if function:
            _invoke(function, name, filename)
        else:
            _logger.warning("%s takes too long here, and %s is not set", filename, VARIABLE)

    return order


def _invoke(function: str, name: ProjectName, filename: str) -> None:
    # Slow to import, and needed for the first request of a large file alone.
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    # A client waits for this.
    patience = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 2})
    try:
        boto3.client("lambda", config=patience).invoke(
            FunctionName=function,
            InvocationType="Event",
            Payload=json.dumps({"project": name, "filename": filename}),
        )
    except (BotoCoreError, ClientError):
        _logger.warning("%s could not be handed over", filename, exc_info=True)
