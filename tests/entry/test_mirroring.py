"""Which upstream `wheelyard serve` mirrors."""

import sys
from pathlib import Path

import pytest

from distributions import build_wheel
from running import READER, Index, add_users
from upstream import Upstream
from wheelyard.entry.mirroring import choose_upstream
from wheelyard.entry.pip_index import pip_index

SECRET = "https://user:s3cret@index.example/simple"


@pytest.fixture(autouse=True)
def _own_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """pip is configured by the test alone."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    for name in ("PIP_INDEX_URL", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)


def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Write pip's configuration file."""
    config = tmp_path / "pip.conf"
    config.write_text(text)
    monkeypatch.setenv("PIP_CONFIG_FILE", str(config))


def test_pip_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where pip is configured with nothing, it is the index that pip itself says it uses."""
    found = pip_index()
    assert found is not None
    assert found.url.startswith("https://")
    assert found.url.endswith("/simple")
    assert found.certificates is None


def test_pip_by_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """An index in pip's environment is the one, credentials included, and certificates come with it."""
    monkeypatch.setenv("PIP_INDEX_URL", SECRET)
    monkeypatch.setenv("PIP_CERT", "/some/bundle.pem")
    chosen = choose_upstream(None, {})
    assert chosen.environ == {
        "UPSTREAM_INDEX_URL": SECRET,
        "REQUESTS_CA_BUNDLE": "/some/bundle.pem",
    }
    assert "s3cret" not in chosen.said
    assert "REQUESTS_CA_BUNDLE" not in choose_upstream(None, {"CURL_CA_BUNDLE": "x"}).environ


@pytest.mark.parametrize(
    ("text", "url"),
    [
        (f"[global]\nindex-url = {SECRET}\n", SECRET),
        (f"[global]\nindex-url = https://a.example/\n[install]\nindex-url = {SECRET}\n", SECRET),
    ],
)
def test_pip_by_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, url: str) -> None:
    """An index in pip's configuration file is the one; that of its install command goes first."""
    configured(tmp_path, monkeypatch, text)
    found = pip_index()
    assert found is not None
    assert found.url == url


def test_no_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pip, and with an index that is a directory, nothing is mirrored, and a line says why."""
    monkeypatch.setenv("PIP_INDEX_URL", "file:///opt/index")
    assert "not one on the web" in choose_upstream(None, {}).said
    monkeypatch.setattr(sys, "executable", "/bin/false")
    monkeypatch.setenv("PATH", str(tmp_path))
    chosen = choose_upstream("", {})
    assert chosen.environ == {"UPSTREAM_INDEX_URL": "none"}
    assert "pip was not found" in chosen.said


@pytest.mark.parametrize(
    ("given", "env", "url"),
    [
        ("none", {}, "none"),
        ("NONE", {}, "none"),
        (SECRET, {}, SECRET),
        (None, {"UPSTREAM_MODE": "none"}, "none"),
    ],
)
def test_what_was_asked_for(given: str | None, env: dict[str, str], url: str) -> None:
    """What was asked for is used, and nobody's pip is."""
    chosen = choose_upstream(given, env)
    assert chosen.environ == {"UPSTREAM_INDEX_URL": url}
    assert "s3cret" not in chosen.said


def test_serving_pips_index(tmp_path: Path, upstream: Upstream) -> None:
    """`wheelyard serve` mirrors pip's index unless told otherwise, and shows no credentials of it."""
    wheel = build_wheel("demo", "1.0")
    url = upstream.with_credentials()
    upstream.add(wheel)
    environ = {"PIP_INDEX_URL": url, "PIP_CONFIG_FILE": "/dev/null", "UPSTREAM_INDEX_URL": ""}
    index = Index(tmp_path, environ=environ)
    add_users(index.store)
    index.start()
    try:
        assert [file["filename"] for file in index.page("demo")["files"]] == [wheel.filename]
        answer = index.request("GET", f"/simple/demo/{wheel.filename}", READER)
        assert answer.body == wheel.content
        assert "that this machine's pip uses" in index.printed()
        for text in (index.printed(), index.log_text()):
            assert "s%40cret" not in text
    finally:
        index.stop()


def test_serving_no_upstream(tmp_path: Path, upstream: Upstream) -> None:
    """With UPSTREAM_INDEX_URL=none there is no mirror."""
    upstream.add(build_wheel("demo", "1.0"))
    environ = {"PIP_INDEX_URL": upstream.index, "UPSTREAM_INDEX_URL": "none"}
    index = Index(tmp_path, environ=environ)
    add_users(index.store)
    index.start()
    try:
        assert index.request("GET", "/simple/demo/", READER).status == 404
        assert upstream.asked == []
    finally:
        index.stop()


def test_a_wrong_upstream(tmp_path: Path) -> None:
    """An upstream that cannot be used stops the start with one line, which does not show it."""
    index = Index(tmp_path, environ={"UPSTREAM_INDEX_URL": "ftp://u:s3cret@index.example"})
    assert index.spawn("--port", "1").wait(30) == 1
    assert "UPSTREAM_INDEX_URL" in index.log_text()
    assert "s3cret" not in index.log_text() + index.printed()
