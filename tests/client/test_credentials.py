"""Where credentials come from, and which index a URL means."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest

from wheelyard.client.credentials import Address, Credentials, address, find_credentials
from wheelyard.client.session import Http
from wheelyard.errors import InvalidSetting

NOBODY = Address("https://index.example/", None)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home without anything in it, and no keyring."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setitem(sys.modules, "keyring", None)
    return tmp_path


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("https://index.example", "https://index.example/"),
        ("https://index.example/simple/", "https://index.example/"),
        ("https://index.example/legacy", "https://index.example/"),
        ("https://index.example/pypi/simple", "https://index.example/pypi/"),
        ("http://127.0.0.1:8080/legacy/", "http://127.0.0.1:8080/"),
        ("http://[::1]:8080/?x=1#y", "http://[::1]:8080/"),
    ],
)
def test_addresses(url: str, root: str) -> None:
    """Any URL of an index leads to its root; credentials in it are taken out, and decoded."""
    assert address(url) == Address(root, None)
    signed = url.replace("://", "://an%40a:p%3Aw%2Fd@")
    assert address(signed) == Address(root, Credentials("an@a", "p:w/d"))


@pytest.mark.parametrize("url", ["index.example", "ftp://index.example/", "https://", "https://[/"])
def test_no_addresses(url: str) -> None:
    """What is no URL of an index is refused, without showing credentials."""
    with pytest.raises(InvalidSetting) as error:
        address(url.replace("://", "://user:secret@"))
    assert "secret" not in str(error.value)


def test_what_is_given_comes_first(home: Path) -> None:
    """Options before the URL, the URL before the environment, the environment before netrc."""
    (home / ".netrc").write_text("machine index.example login n password netrc\n")
    (home / ".netrc").chmod(0o600)
    environ = {"TWINE_USERNAME": "t", "TWINE_PASSWORD": "twine"}
    in_url = NOBODY._replace(credentials=Credentials("u", "url"))
    both: Any = {"username": "o", "password": "option"}
    assert find_credentials(in_url, environ, **both) == ("o", "option")
    assert find_credentials(in_url, environ) == ("u", "url")
    assert find_credentials(NOBODY, environ) == ("t", "twine")
    assert find_credentials(NOBODY, {}) == ("n", "netrc")
    assert find_credentials(NOBODY, {"TWINE_PASSWORD": "x"}, username="o") == ("o", "x")
    with pytest.raises(InvalidSetting, match=r"no credentials for https://index\.example/"):
        find_credentials(NOBODY, {}, username="somebody-else")
    with pytest.raises(InvalidSetting):
        find_credentials(Address("https://other.example/", None), {})


def test_netrc_elsewhere(tmp_path: Path) -> None:
    """NETRC names another file; one that cannot be read is none."""
    path = tmp_path / "other"
    path.write_text("machine index.example login n password netrc\n")
    path.chmod(0o600)
    assert find_credentials(NOBODY, {"NETRC": str(path)}) == ("n", "netrc")
    path.write_text("machine")
    with pytest.raises(InvalidSetting):
        find_credentials(NOBODY, {"NETRC": str(path)})


def test_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """The keyring is asked for the index's URL and the user, if one is known."""
    asked: list[Any] = []

    def get_credential(url: str, username: str | None) -> object:
        asked.append((url, username))
        return SimpleNamespace(username=username or "k", password="ring")

    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_credential=get_credential))
    assert find_credentials(NOBODY, {}) == ("k", "ring")
    assert find_credentials(NOBODY, {}, username="o") == ("o", "ring")
    assert asked == [("https://index.example/", None), ("https://index.example/", "o")]


def test_asking() -> None:
    """At last a person is asked, only for what is not known."""
    prompts: list[str] = []

    def ask(prompt: str) -> str:
        prompts.append(prompt)
        return prompt.lower()

    assert find_credentials(NOBODY, {}, ask=ask) == ("user name", "password")
    assert find_credentials(NOBODY, {}, username="o", ask=ask) == ("o", "password")
    assert prompts == ["User name", "Password", "Password"]


def test_secrets_are_not_shown() -> None:
    """Neither in a representation nor in a traceback's locals."""
    assert "hunter2" not in repr(Credentials("user", "hunter2"))


@pytest.mark.parametrize("root", ["https://a.example/", "https://a.example/x/upload/"])
@pytest.mark.parametrize("seen", ["http://inner:8080", "https://evil.example", "https://a.example"])
def test_links_stay_with_the_index(root: str, seen: str) -> None:
    """Credentials go to the index that they are for, whatever host its links name."""
    http = Http(root, Credentials("user", "password"))
    path = urlsplit(root).path if seen == "https://a.example" else "/"
    link = f"{seen}{path}upload/upload/1.0/0123/files?first=3"
    assert http.own(link) == f"{root}upload/upload/1.0/0123/files?first=3"
    http.close()
