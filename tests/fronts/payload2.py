"""Payload format 2.0: a Function URL, and HTTP APIs."""

from urllib.parse import unquote

from fronts.wire import (
    ACCOUNT,
    API,
    CLIENT,
    CUSTOM_DOMAIN,
    FUNCTION_URL,
    REQUEST_ID,
    TRACE,
    Event,
    Received,
    Sent,
    body_of,
    decoded_parameters,
    grouped,
    received_body,
    text_map,
)


def function_url(sent: Sent) -> Event:
    """A Function URL: the path as sent, always the stage ``$default``."""
    return _payload2(sent, sent.path, FUNCTION_URL, "$default", "urlid")


def http_api(sent: Sent) -> Event:
    """An HTTP API's ``$default`` stage: the path decoded."""
    return _payload2(sent, unquote(sent.path), API, "$default", "a1b2c3d4e5")


def http_api_stage(sent: Sent) -> Event:
    """A named stage of an HTTP API: the path decoded, after the stage."""
    return _payload2(sent, "/prod" + unquote(sent.path), API, "prod", "a1b2c3d4e5")


def http_api_domain(sent: Sent) -> Event:
    """An HTTP API on a custom domain: the stage stands in the path where the client wrote the mapping."""
    return _payload2(sent, "/prod" + unquote(sent.path), CUSTOM_DOMAIN, "prod", "a1b2c3d4e5")


def _payload2(sent: Sent, path: str, domain: str, stage: str, api: str) -> Event:
    headers = grouped(sent.headers)
    cookies = [c for value in headers.pop("cookie", []) for c in value.split("; ")]
    given = {name: ",".join(values) for name, values in headers.items()}
    front = {
        "host": domain,
        "x-amzn-trace-id": TRACE,
        "x-forwarded-for": CLIENT,
        "x-forwarded-port": "443",
        "x-forwarded-proto": "https",
    }
    event: Event = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": sent.query,
        "headers": given | front,
        "requestContext": {
            "accountId": ACCOUNT if ".execute-api." in domain else "anonymous",
            "apiId": api,
            "domainName": domain,
            "domainPrefix": domain.partition(".")[0],
            "http": {
                "method": sent.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": CLIENT,
                "userAgent": given.get("user-agent", ""),
            },
            "requestId": REQUEST_ID,
            "routeKey": "$default",
            "stage": stage,
            "time": "26/Feb/2026:09:30:10 +0000",
            "timeEpoch": 1772098210000,
        },
        "isBase64Encoded": False,
    }
    if cookies:
        event["cookies"] = cookies
    if sent.query:
        parameters = decoded_parameters(sent.query)
        event["queryStringParameters"] = {name: ",".join(v) for name, v in parameters.items()}
    if sent.body:
        event["body"], event["isBase64Encoded"] = body_of(sent)
    return event


def received(result: Event) -> Received:
    """A header map, cookies apart."""
    assert set(result) <= {"statusCode", "headers", "body", "cookies", "isBase64Encoded"}
    headers = text_map(result["headers"])
    assert "set-cookie" not in headers
    cookies = tuple(("set-cookie", cookie) for cookie in result.get("cookies", []))
    return Received(result["statusCode"], tuple(headers.items()) + cookies, received_body(result))
