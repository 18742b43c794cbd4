"""Payload format 1.0: REST APIs, and HTTP APIs that ask for it."""

from urllib.parse import unquote

from fronts.wire import (
    ACCOUNT,
    API,
    CLIENT,
    CUSTOM_DOMAIN,
    REQUEST_ID,
    TRACE,
    Event,
    Received,
    Sent,
    body_of,
    decoded_parameters,
    grouped,
    list_pairs,
    received_body,
    text_map,
)


def rest_api(sent: Sent) -> Event:
    """A REST API on its own domain: the path as sent, the stage only in the context."""
    return _payload1(sent, sent.path, "/prod" + sent.path, API)


def rest_api_base_path(sent: Sent) -> Event:
    """A REST API on a custom domain with a base path mapping: its path stands in both."""
    return _payload1(sent, "/pypi-index" + sent.path, "/pypi-index" + sent.path, CUSTOM_DOMAIN)


def http_api(sent: Sent) -> Event:
    """An HTTP API that asks for payload format 1.0: the path decoded."""
    path = unquote(sent.path)
    return {"version": "1.0"} | _payload1(sent, path, path, API, "$default")


def http_api_stage(sent: Sent) -> Event:
    """The same with a named stage, which stands in the path."""
    path = "/prod" + unquote(sent.path)
    return {"version": "1.0"} | _payload1(sent, path, path, API)


def _payload1(sent: Sent, path: str, whole: str, domain: str, stage: str = "prod") -> Event:
    front = (
        ("Host", domain),
        ("X-Amzn-Trace-Id", TRACE),
        ("X-Forwarded-For", CLIENT),
        ("X-Forwarded-Port", "443"),
        ("X-Forwarded-Proto", "https"),
    )
    headers = grouped(sent.headers + front, keep_case=True)
    parameters = decoded_parameters(sent.query)
    body, is_base64 = body_of(sent)
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": sent.method,
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "queryStringParameters": {n: v[-1] for n, v in parameters.items()} or None,
        "multiValueQueryStringParameters": parameters or None,
        "pathParameters": {"proxy": path.strip("/")},
        "stageVariables": None,
        "requestContext": {
            "accountId": ACCOUNT,
            "apiId": "a1b2c3d4e5",
            "domainName": domain,
            "domainPrefix": domain.partition(".")[0],
            "extendedRequestId": "Y2Fub25pY2FsLWV4YW1wbGU=",
            "httpMethod": sent.method,
            "identity": {
                "accountId": None,
                "sourceIp": CLIENT,
                "userAgent": headers.get("User-Agent", [""])[-1],
            },
            "path": whole,
            "protocol": "HTTP/1.1",
            "requestId": REQUEST_ID,
            "requestTime": "26/Feb/2026:09:30:10 +0000",
            "requestTimeEpoch": 1772098210000,
            "resourceId": "abc123",
            "resourcePath": "/{proxy+}",
            "stage": stage,
        },
        "body": body or None,
        "isBase64Encoded": is_base64,
    }


def received(result: Event) -> Received:
    """Both header maps are merged, and all values of both are sent."""
    known = {"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"}
    assert set(result) <= known
    single = tuple(text_map(result.get("headers", {})).items())
    multiple = list_pairs(result["multiValueHeaders"])
    return Received(result["statusCode"], single + multiple, received_body(result))
