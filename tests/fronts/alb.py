"""Application load balancers, in both of their header modes."""

from fronts.wire import (
    ACCOUNT,
    CLIENT,
    LOAD_BALANCER,
    TRACE,
    Event,
    Pairs,
    Received,
    Sent,
    body_of,
    grouped,
    list_pairs,
    raw_parameters,
    received_body,
)


def single(sent: Sent) -> Event:
    """A target group without multi-value headers: the last of what repeats."""
    headers, parameters = grouped(sent.headers + _ALB), raw_parameters(sent.query)
    return _alb(sent) | {
        "headers": {name: values[-1] for name, values in headers.items()},
        "queryStringParameters": {name: values[-1] for name, values in parameters.items()},
    }


def multi(sent: Sent) -> Event:
    """A target group with multi-value headers: there are no other maps."""
    return _alb(sent) | {
        "multiValueHeaders": grouped(sent.headers + _ALB),
        "multiValueQueryStringParameters": raw_parameters(sent.query),
    }


_ALB = (
    ("host", LOAD_BALANCER),
    ("x-amzn-trace-id", TRACE),
    ("x-forwarded-for", f"192.0.2.1, {CLIENT}"),
    ("x-forwarded-port", "443"),
    ("x-forwarded-proto", "https"),
)


def _alb(sent: Sent) -> Event:
    body, is_base64 = body_of(sent)
    group = (
        f"arn:aws:elasticloadbalancing:eu-west-1:{ACCOUNT}:targetgroup/wheelyard/6d0ecf831eec9f09"
    )
    return {
        "requestContext": {"elb": {"targetGroupArn": group}},
        "httpMethod": sent.method,
        "path": sent.path,
        "body": body,
        "isBase64Encoded": is_base64,
    }


def received_single(result: Event) -> Received:
    """One header map; names in different case are different headers to the load balancer."""
    assert "multiValueHeaders" not in result
    headers = tuple((name.lower(), value) for name, value in result["headers"].items())
    return _received_alb(result, headers)


def received_multi(result: Event) -> Received:
    """A map of lists; with any other the load balancer answers 502."""
    assert "headers" not in result
    return _received_alb(result, list_pairs(result["multiValueHeaders"]))


def _received_alb(result: Event, headers: Pairs) -> Received:
    status, _, phrase = result["statusDescription"].partition(" ")
    assert int(status) == result["statusCode"]
    assert phrase
    return Received(result["statusCode"], headers, received_body(result))
