"""Counts that CloudWatch makes metrics of, written as log lines.

A line whose ``_aws`` member says so is a metric wherever CloudWatch Logs reads it, without a call or a
permission
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
Elsewhere it is a log line like any other, kept as far as its level says.
"""

import logging
from collections.abc import Mapping

NAMESPACE = "Wheelyard"
FUNCTION = "FunctionName"
"""The dimension that tells one stack's metrics from another's, called as AWS's own."""

_metrics = logging.getLogger("wheelyard.metrics")
_labels: dict[str, str] = {}


def label(function: str) -> None:
    """Have every count of this process, from now on, say which Lambda function it is; "" for none."""
    _labels.clear()
    if function:
        _labels[FUNCTION] = function


def count(
    names: tuple[str, ...],
    now: float,
    dimension: str,
    fields: Mapping[str, object],
    elsewhere: int = logging.DEBUG,
) -> None:
    """Count one of each name, at ``now`` in seconds since 1970, in all and by the field ``dimension``.

    The values of that field must be few: each is a metric. The other ``fields`` only stand in the line.
    ``elsewhere`` is the line's level where this process is no function, and nobody counts.
    """
    # As a warning, so that the logging levels which people run functions with keep it.
    level = logging.WARNING if _labels else elsewhere
    if not _metrics.isEnabledFor(level):
        return
    definition = {
        "Namespace": NAMESPACE,
        "Dimensions": [[*_labels], [*_labels, dimension]],
        "Metrics": [{"Name": name, "Unit": "Count"} for name in names],
    }
    metadata = {"Timestamp": int(now * 1000), "CloudWatchMetrics": [definition]}
    # Lambda's formatter puts what is extra at the top of the line, where CloudWatch looks for these.
    at_top = {
        "_aws": metadata,
        **dict.fromkeys(names, 1),
        **_labels,
        dimension: fields[dimension],
    }
    _metrics.log(level, " ".join(names), extra={**at_top, "fields": dict(fields)})
