"""Signing in, the configuration that it writes, and the keyring that renews what it got."""

import configparser
import json
import netrc
import stat
import tomllib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from wheelyard.client.configuration import TOOLS, configure, variables
from wheelyard.client.keyring_backend import WheelyardKeyring
from wheelyard.client.logins import Login, Logins
from wheelyard.client.places import Places
from wheelyard.client.signin import Wanted, current_token, sign_in
from wheelyard.client.stack import Outputs
from wheelyard.errors import InvalidDocument, NotPossible, RemoteFailure

INDEX, UPLOAD = "https://index.example/simple/", "https://upload.example:8443/legacy/"
NOW = 1_800_000_000.0


class Account:
    """A stack that gives tokens, numbered, for an hour from its own time."""

    def __init__(self, *, front: bool = True) -> None:
        self.orders: list[Any] = []
        self.now = NOW
        self._front = front

    def outputs(self) -> Outputs:
        return Outputs("admin", INDEX if self._front else "", UPLOAD if self._front else "")

    def caller(self) -> str:
        return "user/alice"

    def order(self, name: str, argument: Mapping[str, Any] | str) -> dict[str, Any]:
        assert isinstance(argument, Mapping)
        self.orders.append((name, argument))
        end = self.now + argument["lifetime"]
        return {"token": f"token-{len(self.orders)}", "expires": _iso(end), "id": "x"}


def _iso(seconds: float) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """The files of a person who has none yet."""
    return Places.from_env({}, tmp_path, "linux")


@pytest.fixture
def login() -> Login:
    """A sign-in that may upload."""
    return sign_in(Wanted("acme", upload=True, lifetime=3600), Account())


def test_sign_in() -> None:
    """The token is the caller's, for the time and rights that were wanted."""
    account = Account()
    login = sign_in(Wanted("acme", upload=True, lifetime=3600), account)
    assert (login.index_url, login.upload_url) == (INDEX, UPLOAD)
    assert (login.token, login.expires) == ("token-1", NOW + 3600)
    ((name, order),) = account.orders
    assert name == "createToken"
    assert (order["owner"], order["upload"], order["lifetime"]) == ("user/alice", True, 3600)
    assert "token-1" not in repr(login)


def test_own_front() -> None:
    """A stack without addresses of its own needs to be told them."""
    with pytest.raises(NotPossible, match="--index-url"):
        sign_in(Wanted("acme"), Account(front=False))
    elsewhere = Wanted("acme", index_url="https://a.example/simple", upload_url="https://b.example")
    login = sign_in(elsewhere, Account(front=False))
    assert (login.index_url, login.upload_url) == ("https://a.example/simple/", "https://b.example")


def test_configuration(login: Login, places: Places) -> None:
    """Each client is told of the index; the token is in private files only."""
    configure(login, places, TOOLS, keyring=False)
    pip = configparser.RawConfigParser()
    pip.read(places.pip)
    assert pip["global"]["index-url"] == INDEX
    uv = tomllib.loads(places.uv.read_text())
    assert uv["index"] == [{"name": "wheelyard", "url": INDEX, "default": True}]
    assert uv["publish-url"] == UPLOAD
    config = tomllib.loads((places.poetry / "config.toml").read_text())
    assert config["repositories"]["wheelyard"]["url"] == UPLOAD
    auth = tomllib.loads((places.poetry / "auth.toml").read_text())
    assert auth["http-basic"]["wheelyard"] == {"username": "__token__", "password": login.token}
    pypirc = configparser.RawConfigParser()
    pypirc.read(places.pypirc)
    assert pypirc["distutils"]["index-servers"].split() == ["wheelyard"]
    assert dict(pypirc["wheelyard"]) == {
        "repository": UPLOAD,
        "username": "__token__",
        "password": login.token,
    }
    for host in ("index.example", "upload.example"):
        assert netrc.netrc(str(places.netrc)).authenticators(host) == (
            "__token__",
            "",
            login.token,
        )
    holding = [file for file in _files(places) if login.token in file.read_text()]
    assert {file.name for file in holding} == {"auth.toml", ".pypirc", ".netrc"}
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in holding)


def _files(places: Places) -> list[Path]:
    return [file for file in places.netrc.parent.rglob("*") if file.is_file()]


def test_again(login: Login, places: Places) -> None:
    """Doing it again changes nothing, and with a new token nothing but that."""
    configure(login, places, TOOLS, keyring=False)
    before = {file: file.read_text() for file in _files(places)}
    configure(login, places, TOOLS, keyring=False)
    assert {file: file.read_text() for file in _files(places)} == before
    configure(login._replace(token="token-2"), places, TOOLS, keyring=False)
    after = {file: file.read_text() for file in _files(places)}
    assert after == {file: text.replace("token-1", "token-2") for file, text in before.items()}


def test_with_keyring(login: Login, places: Places) -> None:
    """With a keyring the token is in no client's file, not even one that was there before."""
    configure(login, places, TOOLS, keyring=False)
    configure(login, places, TOOLS, keyring=True)
    assert not [file for file in _files(places) if login.token in file.read_text()]
    assert "https://__token__@index.example/simple/" in places.pip.read_text()
    assert tomllib.loads(places.uv.read_text())["keyring-provider"] == "subprocess"
    assert "username = __token__" in places.pypirc.read_text()


def test_reader(places: Places) -> None:
    """Who may only read has nothing configured for uploads."""
    login = sign_in(Wanted("acme"), Account())
    configure(login, places, TOOLS, keyring=False)
    assert not places.pypirc.exists()
    assert "publish-url" not in places.uv.read_text()
    assert not {"TWINE_PASSWORD", "UV_PUBLISH_TOKEN"} & set(variables(login))


def test_nothing_is_lost(login: Login, places: Places) -> None:
    """What people and other tools wrote into the files stays, comments too."""
    kept = {
        places.pip: "[global]\n# slow line\ntimeout = 60\n",
        places.uv: '# mine\noffline = false\n\n[[index]]\nname = "other"\nurl = "https://o.example/"\n',
        places.poetry / "auth.toml": '# mine\n[http-basic.other]\nusername = "u"\npassword = "p"\n',
        places.pypirc: "[distutils]\nindex-servers =\n    other\n\n[other]\nusername = me\n",
        places.netrc: "machine other.example login u password p\n",
    }
    for file, text in kept.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    configure(login, places, TOOLS, keyring=False)
    for file, text in kept.items():
        lines = file.read_text().splitlines()
        assert [line for line in text.splitlines() if line not in lines] == []
    assert [index["name"] for index in tomllib.loads(places.uv.read_text())["index"]] == [
        "other",
        "wheelyard",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[index]]\nurl = "https://o.example/"\ndefault = true\n', "another default index"),
        ('password = "hunter2\n', "no TOML file"),
    ],
)
def test_not_over_another_default(login: Login, places: Places, text: str, message: str) -> None:
    """A file that cannot take the index is left alone, and nothing of it is shown."""
    places.uv.parent.mkdir(parents=True)
    places.uv.write_text(text)
    with pytest.raises(NotPossible, match=message) as refused:
        configure(login, places, ("uv",), keyring=False)
    assert "hunter2" not in str(refused.value)
    assert places.uv.read_text() == text


@pytest.mark.parametrize(
    ("service", "found"),
    [
        (INDEX, True),
        ("https://index.example/simple/acme/acme-1.0.tar.gz", True),
        ("index.example", True),
        ("https://index.example:443/", True),
        ("upload.example:8443", True),
        (UPLOAD, True),
        ("http://index.example/simple/", False),
        ("https://index.example:8443/", False),
        ("https://upload.example/legacy/", False),
        ("https://bucket.s3.amazonaws.com/x", False),
        ("https://index.example.org/", False),
        ("https://other.example/index.example", False),
        ("https://other.example@index.example/", True),
        ("https://index.example@other.example/", False),
        ("https://index.example:port/", False),
        ("", False),
        ("system", False),
    ],
)
def test_services(login: Login, places: Places, service: str, found: bool) -> None:
    """The token is for the index's own addresses, and for no other host, port or scheme."""
    logins = Logins(places.logins)
    logins.put(login)
    assert (logins.find(service) is not None) is found


def test_stacks_on_one_host(login: Login, places: Places) -> None:
    """Of several indexes on one host, the one whose address fits best is meant."""
    logins = Logins(places.logins)
    for name in ("one", "two"):
        url = f"https://api.example/{name}/simple/"
        logins.put(login._replace(stack=name, index_url=url, upload_url=url, token=name))
    for name in ("one", "two"):
        found = logins.find(f"https://api.example/{name}/simple/acme/")
        assert found is not None
        assert found.token == name


def test_logins_are_private(login: Login, places: Places) -> None:
    """Logins can be read by their owner alone, and one at the same stack replaces the other."""
    logins = Logins(places.logins)
    assert logins.all() == []
    logins.put(login)
    logins.put(login._replace(token="newer"))
    logins.put(login._replace(stack="other"))
    assert [known.token for known in logins.all()] == ["newer", "token-1"]
    assert stat.S_IMODE(places.logins.stat().st_mode) == 0o600
    places.logins.write_text('{"logins": [{"token": "hunter2"}]}')
    with pytest.raises(InvalidDocument) as refused:
        logins.all()
    assert "hunter2" not in str(refused.value)


def test_renewal(login: Login, places: Places) -> None:
    """A token is used until it is about to end, then renewed once, for however many ask."""
    account = Account()
    account.now = NOW + 3500
    logins = Logins(places.logins)
    logins.put(login)

    def ask(at: float) -> str | None:
        return current_token(logins, INDEX, lambda _: account, lambda: at)

    assert ask(NOW + 3000) == "token-1"
    assert account.orders == []
    with ThreadPoolExecutor(8) as pool:
        tokens = set(pool.map(ask, [NOW + 3500] * 8))
    assert tokens == {"token-1"}  # the first that this account gives
    assert len(account.orders) == 1
    assert logins.all()[0].expires == NOW + 3500 + 3600
    assert current_token(logins, "https://other.example/", lambda _: account) is None


def test_keyring(
    login: Login, places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The backend has the token for the index and its user, and leaves the rest to others."""
    for name in ("XDG_CONFIG_HOME", "PIP_CONFIG_FILE", "NETRC", "POETRY_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    Logins(places.logins).put(login._replace(expires=9e9))
    keyring = WheelyardKeyring()  # type: ignore[no-untyped-call]  # keyring's own
    assert keyring.get_password(INDEX, "__token__") == login.token
    assert keyring.get_password(INDEX, "alice") is None
    assert keyring.get_password("login", "__token__") is None
    credential = keyring.get_credential("index.example", None)
    assert credential is not None
    assert (credential.username, credential.password) == ("__token__", login.token)
    assert keyring.get_credential("https://other.example/", None) is None
    with pytest.raises(NotImplementedError):
        keyring.set_password(INDEX, "__token__", "x")


def test_keyring_that_cannot_renew(
    login: Login,
    places: Places,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Where a token cannot be renewed there is none, and the reason is told without it."""
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))

    def refuse(login: Login) -> Account:
        raise RemoteFailure(f"stack {login.stack!r} cannot be asked: Unable to locate credentials")

    monkeypatch.setattr("wheelyard.client.keyring_backend.stack_of", refuse)
    Logins(places.logins).put(login._replace(expires=0))
    keyring = WheelyardKeyring()  # type: ignore[no-untyped-call]  # keyring's own
    assert keyring.get_password(INDEX, "__token__") is None
    told = capsys.readouterr().err
    assert "Unable to locate credentials" in told
    assert login.token not in told


@pytest.mark.parametrize(
    ("platform", "env", "pip", "uv", "netrc"),
    [
        ("linux", {}, ".config/pip/pip.conf", ".config/uv/uv.toml", ".netrc"),
        ("linux", {"XDG_CONFIG_HOME": "/x"}, "/x/pip/pip.conf", "/x/uv/uv.toml", ".netrc"),
        ("linux", {"PIP_CONFIG_FILE": "/p", "NETRC": "/n"}, "/p", ".config/uv/uv.toml", "/n"),
        ("darwin", {}, ".config/pip/pip.conf", ".config/uv/uv.toml", ".netrc"),
        ("win32", {"APPDATA": "/r"}, "/r/pip/pip.ini", "/r/uv/uv.toml", "_netrc"),
    ],
)
def test_places(
    tmp_path: Path, platform: str, env: Mapping[str, str], pip: str, uv: str, netrc: str
) -> None:
    """Each client's file is where that client looks for it."""
    places = Places.from_env(env, tmp_path, platform)
    assert (places.pip, places.uv, places.netrc) == (
        tmp_path / pip,
        tmp_path / uv,
        tmp_path / netrc,
    )


def test_variables(login: Login) -> None:
    """For a shell, everything is in variables."""
    found = variables(login)
    assert found["PIP_INDEX_URL"] == f"https://__token__:{login.token}@index.example/simple/"
    assert found["UV_PUBLISH_TOKEN"] == found["TWINE_PASSWORD"] == login.token
    assert json.dumps(found)
