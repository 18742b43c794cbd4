"""Counts that CloudWatch makes metrics of, written as log lines.

A line whose ``_aws`` member says so is a metric wherever CloudWatch Logs reads it, without a call or a
permission
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html).
Elsewhere it is a log line like any other.
"""

import logging
from collections.abc import Mapping

NAMESPACE = "Wheelyard"

_metrics = logging.getLogger("wheelyard.metrics")


def count(name: str, now: float, dimension: str, fields: Mapping[str, object]) -> None:
    """Count one ``name``, at ``now`` in seconds since 1970, in all and by the field ``dimension``.

    The values of that field must be few: each is a metric. The other ``fields`` only stand in the line.
    """
    definition = {
        "Namespace": NAMESPACE,
        "Dimensions": [[], [dimension]],
        "Metrics": [{"Name": name, "Unit": "Count"}],
    }
    metadata = {"Timestamp": int(now * 1000), "CloudWatchMetrics": [definition]}
    # Lambda's formatter puts what is extra at the top of the line, where CloudWatch looks for these.
    at_top = {"_aws": metadata, name: 1, dimension: fields[dimension]}
    # A warning, so that the logging levels which people run with keep it.
    _metrics.warning(name, extra={**at_top, "fields": dict(fields)})
