"""Where the upstream index is, when its address is kept in a secret."""

import json

import boto3
import pytest

from servers import S3Server
from wheelyard.errors import UpstreamError, UpstreamRefused, UpstreamUnavailable
from wheelyard.mirror.location import Locator
from wheelyard.settings import UpstreamSettings

URL = "https://user:s3cret@upstream.example/simple"
AUTHORIZATION = "Basic dXNlcjpzM2NyZXQ="


class Vault:
    """Secrets Manager, in moto, with a clock that only the test moves."""

    def __init__(self, server: S3Server) -> None:
        self.now = 0.0
        self._client = boto3.client(
            "secretsmanager",
            endpoint_url=server.url,
            region_name=server.region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        self._count = 0

    def keep(self, text: str) -> str:
        """Keep a secret; returns its ARN."""
        self._count += 1
        name = f"upstream-{id(self)}-{self._count}"
        return str(self._client.create_secret(Name=name, SecretString=text)["ARN"])

    def rotate(self, arn: str, text: str) -> None:
        """Keep something else under the ARN."""
        self._client.put_secret_value(SecretId=arn, SecretString=text)

    def locator(self, reference: str) -> Locator:
        """What finds the location, of a setting that was checked."""
        setting = UpstreamSettings.from_env({"UPSTREAM_INDEX_URL": reference}).location
        return Locator(setting, lambda: self.now)


@pytest.fixture
def vault(s3_moto: S3Server, monkeypatch: pytest.MonkeyPatch) -> Vault:
    """moto answers for Secrets Manager as well."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", s3_moto.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    return Vault(s3_moto)


def test_a_secret(vault: Vault) -> None:
    """The secret is the URL, or a JSON document that has it under the key after the ARN."""
    plain = vault.locator(vault.keep(URL)).find()
    keyed = vault.locator(vault.keep(json.dumps({"index": URL})) + ":index").find()
    assert plain == keyed
    assert plain.url == "https://upstream.example/simple/"
    assert plain.authorization == AUTHORIZATION


def test_a_rotated_secret(vault: Vault) -> None:
    """A secret is read when it is first needed, and again after five minutes."""
    arn = vault.keep(URL)
    locator = vault.locator(arn)
    vault.rotate(arn, "https://first.example/")
    assert locator.find().url == "https://first.example/"
    vault.rotate(arn, "https://second.example/")
    assert locator.find().url == "https://first.example/"
    vault.now += 301
    assert locator.find().url == "https://second.example/"


@pytest.mark.parametrize(
    ("text", "suffix", "error"),
    [
        ("no url with s3cret", "", UpstreamRefused),
        ("ftp://s3cret@host/", "", UpstreamRefused),
        ("https://s3cret", ":index", UpstreamRefused),
        ('{"other": "s3cret"}', ":index", UpstreamRefused),
        ('["s3cret"]', ":index", UpstreamRefused),
        (None, "", UpstreamUnavailable),
    ],
)
def test_a_secret_that_is_no_help(
    vault: Vault, text: str | None, suffix: str, error: type[UpstreamError]
) -> None:
    """A secret that is not there or holds something else is upstream's failure, and is not shown."""
    arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:absent-AbCdEf"
    if text is not None:
        arn = vault.keep(text)
    with pytest.raises(error) as caught:
        vault.locator(arn + suffix).find()
    assert "s3cret" not in str(caught.value)
