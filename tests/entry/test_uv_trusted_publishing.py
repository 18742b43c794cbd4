"""``uv publish --trusted-publishing always``, against a server and an identity provider over TLS."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import tools
from distributions import build_wheel
from issuers import REPOSITORY, RunningIssuer, SigningKey, running_issuer
from running import Index, running
from wheelyard.access.publishers import TrustedPublishers
from wheelyard.access.tokens import Tokens
from wheelyard.storage.directory import DirectoryStore

if TYPE_CHECKING:
    import subprocess


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIssuer]:
    """An identity provider on loopback."""
    with running_issuer(tmp_path_factory.mktemp("issuer")) as provider:
        yield provider


@pytest.fixture(scope="module")
def index(provider: RunningIssuer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """A server over TLS that trusts one repository of the provider."""
    authority = provider.authority
    environ = {"REQUESTS_CA_BUNDLE": str(authority.file)}
    folder = tmp_path_factory.mktemp("index")
    with running(folder, environ, certificate=authority.server("index")) as index:
        claims = {"repository": REPOSITORY, "workflow": "release.yml"}
        TrustedPublishers(DirectoryStore(index.store)).add(
            "github", claims, ["acme-*"], provider.issuer.url
        )
        yield index


def publish(
    index: Index, provider: RunningIssuer, folder: Path, project: str
) -> "subprocess.CompletedProcess[str]":
    """Have uv publish a wheel as a job of the provider."""
    wheel = build_wheel(project, "1.0")
    (folder / wheel.filename).write_bytes(wheel.content)
    environ = tools.environment(**provider.runner(), SSL_CERT_FILE=str(provider.authority.file))
    return tools.run_unchecked(
        "uv", "publish", "--no-config", "--trusted-publishing", "always", "--publish-url",
        index.upload_url, folder / wheel.filename, environ=environ,
    )  # fmt: skip


def said(done: "subprocess.CompletedProcess[str]") -> str:
    """What uv printed, without the lines that it breaks and indents."""
    return " ".join(done.stdout.split())


def test_publishing(index: Index, provider: RunningIssuer, tmp_path: Path) -> None:
    """uv publishes without any stored secret, and burns the token that it was given."""
    done = publish(index, provider, tmp_path, "acme-tools")
    assert done.returncode == 0, done.stdout
    assert [file["filename"] for file in index.page("acme-tools")["files"]] == [
        "acme_tools-1.0-py3-none-any.whl"
    ]
    assert list(Tokens(DirectoryStore(index.store), time.time).list()) == []
    lines = index.log_lines()
    (upload,) = [line for line in lines if line.get("path") == "/legacy/"]
    assert (upload["user"], upload["status"]) == (f"github:{REPOSITORY}", 200)
    asked = [line["path"] for line in lines if "oidc" in line.get("path", "")]
    assert asked == ["/_/oidc/audience", "/_/oidc/mint-token", "/_/oidc/burn-token"]


def test_another_project(index: Index, provider: RunningIssuer, tmp_path: Path) -> None:
    """The token is refused for a project that the repository is not trusted with, and uv says why."""
    done = publish(index, provider, tmp_path, "other")
    assert done.returncode != 0
    assert "may not upload to project 'other', only to: acme-*" in said(done)


REFUSED = {
    "a forged signature": "the signature of the identity token is wrong",
    "another audience": "the identity token is for another audience",
    "expired": "the identity token has expired",
    "a replay": "the identity token was used before",
    "an unknown key": "signed by a key that",
    "alg none": "signed by the algorithm 'none'",
    "a foreign repository": "is no trusted publisher's: repository 'stranger/tools'",
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_identities(
    index: Index, provider: RunningIssuer, tmp_path: Path, case: str
) -> None:
    """uv shows, for each identity that is refused, its own reason."""
    issuer, now = provider.issuer, int(time.time())
    claims = issuer.claims()
    header = SigningKey.encoded({"alg": "none", "kid": issuer.key.kid})
    made = {
        "a forged signature": lambda: issuer.sign(claims, SigningKey(issuer.key.kid)),
        "another audience": lambda: issuer.token(aud="elsewhere"),
        "expired": lambda: issuer.token(exp=now - 61),
        "a replay": lambda: issuer.token(jti="replayed"),
        "an unknown key": lambda: issuer.sign(claims, SigningKey("unknown")),
        "alg none": lambda: f"{header}.{SigningKey.encoded(claims)}.",
        "a foreign repository": lambda: issuer.token(repository="stranger/tools"),
    }
    text = made[case]()
    if case == "a replay":
        body = json.dumps({"token": text}).encode()
        assert index.request("POST", "/_/oidc/mint-token", body=body).status == 200
    provider.next_token.append(text)
    done = publish(index, provider, tmp_path, "acme-refused")
    assert done.returncode != 0
    assert REFUSED[case] in said(done), done.stdout
    assert text not in index.log_text()
