"""The other side of a Lambda event: what each front makes of a client's request, and of an answer.

Written from AWS's documentation and recorded events, and knowing nothing of the package: ``event`` is
what the front sends to the function, ``received`` what the client gets for what the function returned.
"""

import json
from collections.abc import Callable, Mapping

from fronts import alb, edge, payload1, payload2
from fronts.wire import (
    API,
    CUSTOM_DOMAIN,
    DISTRIBUTION,
    FUNCTION_URL,
    LOAD_BALANCER,
    Event,
    Front,
    Received,
)

LAMBDA = 6 * 1024 * 1024 + 100
MEGABYTE = 1_000_000
BASE_PATH = "/pypi-index"
"""What ``API_GATEWAY_BASE_PATH`` is for the fronts that have one; the others leave paths as they are."""

_V1, _V2 = payload1.received, payload2.received
_ALL = (
    Front("function-url", payload2.function_url, _V2, LAMBDA, FUNCTION_URL),
    Front("http-api-2.0", payload2.http_api, _V2, LAMBDA, API),
    Front("http-api-2.0-stage", payload2.http_api_stage, _V2, LAMBDA, API, "/prod"),
    Front("http-api-2.0-domain", payload2.http_api_domain, _V2, LAMBDA, CUSTOM_DOMAIN, BASE_PATH),
    Front("http-api-1.0", payload1.http_api, _V1, LAMBDA, API),
    Front("http-api-1.0-stage", payload1.http_api_stage, _V1, LAMBDA, API, "/prod"),
    Front("rest-api", payload1.rest_api, _V1, LAMBDA, API, "/prod"),
    Front("rest-api-base-path", payload1.rest_api_base_path, _V1, LAMBDA, CUSTOM_DOMAIN, BASE_PATH),
    Front("alb-single", alb.single, alb.received_single, MEGABYTE, LOAD_BALANCER, repeats=False),
    Front("alb-multi", alb.multi, alb.received_multi, MEGABYTE, LOAD_BALANCER),
    Front("edge-viewer", edge.viewer, edge.received, 40_000, CUSTOM_DOMAIN),
    Front("edge-origin", edge.origin, edge.received, MEGABYTE, DISTRIBUTION),
)


def _through_json(received: Callable[[Event], Received]) -> Callable[[Event], Received]:
    """What the function returns goes through JSON on its way."""
    return lambda result: received(json.loads(json.dumps(result)))


FRONTS: Mapping[str, Front] = {
    front.name: front._replace(received=_through_json(front.received)) for front in _ALL
}
