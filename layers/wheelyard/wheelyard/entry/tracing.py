"""AWS X-Ray, for the functions that have it switched on.

Importing its SDK costs a cold start more than everything else together, so it is imported nowhere else
and only then.
"""

from collections.abc import Callable, Mapping
from typing import Any

Handler = Callable[[Any, Any], Any]
"""A Lambda handler: event and context to answer."""


def traced(environ: Mapping[str, str], name: str, handler: Handler) -> Handler:
    """``handler`` within a subsegment called ``name`` if tracing is on, or as it is.

    ``AWS_XRAY_SDK_ENABLED`` is the SDK's own variable
    (https://docs.aws.amazon.com/xray-sdk-for-python/latest/reference/configurations.html); here it must be
    ``true``, where the SDK takes its absence for that.
    """
    if environ.get("AWS_XRAY_SDK_ENABLED", "").lower() != "true":
        return handler
    from aws_xray_sdk.core import xray_recorder

    def traced_handler(event: Any, context: Any) -> Any:
        with xray_recorder.in_subsegment(name) as subsegment:
            answer = handler(event, context)
            if isinstance(answer, dict) and "statusCode" in answer:
                subsegment.put_http_meta("status", answer["statusCode"])
            return answer

    return traced_handler
