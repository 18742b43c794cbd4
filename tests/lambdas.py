"""What a Lambda function finds: its environment, and its events."""

import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import forms
from distributions import BuiltDistribution
from servers import S3Server


def environment(server: S3Server, bucket: str, **settings: str) -> dict[str, str]:
    """The variables of a function whose bucket is on ``server``: Lambda's own, and the template's."""
    access = server.credentials
    return {
        "AWS_REGION": server.region,
        "AWS_ACCESS_KEY_ID": access.access_key_id,
        "AWS_SECRET_ACCESS_KEY": access.secret_access_key,
        **({"AWS_SESSION_TOKEN": access.session_token} if access.session_token else {}),
        "AWS_ENDPOINT_URL_S3": server.url,
        "BUCKET": bucket,
        "REPO_BASE_PREFIX": "",
        "AWS_XRAY_SDK_ENABLED": "false",
    } | settings


def get(path: str, username: str = "", password: str = "", accept: str = "*/*") -> dict[str, Any]:
    """A Function URL's event for a GET (payload 2.0)."""
    return _event("GET", path, {"accept": accept} | _basic(username, password))


def upload(project: str, wheel: BuiltDistribution, username: str, password: str) -> dict[str, Any]:
    """A Function URL's event for the upload of version 1.0 of ``project``."""
    body = forms.encode(forms.parts(wheel, name=project, version="1.0"))
    headers = {"content-type": forms.CONTENT_TYPE} | _basic(username, password)
    encoded = b64encode(body).decode()
    return _event("POST", "/", headers) | {"body": encoded, "isBase64Encoded": True}


def session(
    method: str, path: str, document: Mapping[str, object], username: str, password: str
) -> dict[str, Any]:
    """A Function URL's event for a step of a publishing session."""
    headers = {"content-type": "application/vnd.pypi.upload.v2+json"} | _basic(username, password)
    body = json.dumps({"meta": {"api-version": "2.0"}, **document})
    return _event(method, path, headers) | {"body": body, "isBase64Encoded": False}


def post(path: str, document: object) -> dict[str, Any]:
    """A Function URL's event for a POST of JSON, without credentials."""
    return _event("POST", path, {"content-type": "application/json"}) | {
        "body": json.dumps(document)
    }


def _basic(username: str, password: str) -> dict[str, str]:
    if not username:
        return {}
    return {"authorization": f"Basic {b64encode(f'{username}:{password}'.encode()).decode()}"}


def _event(method: str, path: str, headers: Mapping[str, str]) -> dict[str, Any]:
    host = "index.lambda-url.eu-central-1.on.aws"
    http = {"method": method, "path": path, "sourceIp": "192.0.2.1", "protocol": "HTTP/1.1"}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": host, **headers},
        "requestContext": {
            "domainName": host,
            "http": http,
            "requestId": "f0a6b1ae-1d3e-4a3b-9a5e-000000000001",
            "stage": "$default",
        },
        "isBase64Encoded": False,
    }
