"""What the tests of exports and imports share."""

import pytest

from servers import S3Server


def use(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the environment of somebody who uses this S3."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", server.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.credentials.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.credentials.secret_access_key)
    monkeypatch.setenv("AWS_REGION", server.region)
