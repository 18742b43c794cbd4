"""CloudFront Lambda@Edge: viewer and origin requests."""

import base64

from fronts.wire import (
    BUCKET,
    CLIENT,
    CUSTOM_DOMAIN,
    DISTRIBUTION,
    REQUEST_ID,
    Event,
    Received,
    Sent,
    received_body,
)


def viewer(sent: Sent) -> Event:
    """A viewer request: the viewer's own headers."""
    return _edge(sent, "viewer-request", CUSTOM_DOMAIN)


def origin(sent: Sent) -> Event:
    """An origin request: ``Host`` is the bucket's, which the event also names as the origin."""
    event = _edge(sent, "origin-request", BUCKET)
    event["Records"][0]["cf"]["request"]["origin"] = {
        "s3": {
            "authMethod": "origin-access-identity",
            "customHeaders": {},
            "domainName": BUCKET,
            "path": "",
            "region": "eu-west-1",
        }
    }
    return event


def _edge(sent: Sent, event_type: str, host: str) -> Event:
    pairs = (*sent.headers, ("Host", host), ("X-Forwarded-For", CLIENT))
    headers: dict[str, list[dict[str, str]]] = {}
    for name, value in pairs:
        headers.setdefault(name.lower(), []).append({"key": name, "value": value})
    request: Event = {
        "clientIp": CLIENT,
        "method": sent.method,
        "uri": sent.path,
        "querystring": sent.query,
        "headers": headers,
    }
    if sent.body:
        request["body"] = {
            "inputTruncated": False,
            "action": "read-only",
            "encoding": "base64",
            "data": base64.b64encode(sent.body).decode(),
        }
    config = {
        "distributionDomainName": DISTRIBUTION,
        "distributionId": "EDFDVBD6EXAMPLE",
        "eventType": event_type,
        "requestId": REQUEST_ID,
    }
    return {"Records": [{"cf": {"config": config, "request": request}}]}


_EDGE_REFUSED = {"connection", "content-length", "host", "keep-alive", "transfer-encoding", "via"}


def received(result: Event) -> Received:
    """A generated response; CloudFront refuses one with headers that are its own to set."""
    known = {"status", "statusDescription", "headers", "body", "bodyEncoding"}
    assert set(result) <= known
    assert isinstance(result["status"], str)
    assert result["statusDescription"]
    assert result["bodyEncoding"] in {"text", "base64"}
    pairs = []
    for name, entries in result["headers"].items():
        assert name == name.lower()
        assert name not in _EDGE_REFUSED
        assert all(entry["key"].lower() == name for entry in entries)
        pairs += [(name, entry["value"]) for entry in entries]
    is_base64 = result["bodyEncoding"] == "base64"
    body = received_body({"body": result["body"], "isBase64Encoded": is_base64})
    return Received(int(result["status"]), tuple(pairs), body)
