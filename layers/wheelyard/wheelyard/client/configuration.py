"""What each client is told of an index that somebody signed in at.

By default the token stands in ``~/.netrc`` and in the files that twine and poetry have for credentials, and
nowhere else. With a keyring, it stands in none of them, and the clients are told to ask for it.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit, urlunsplit

from wheelyard.client.inifile import value_of, with_value, without_value
from wheelyard.client.logins import Login
from wheelyard.client.netrcfile import with_machine, without_machine
from wheelyard.client.places import Places
from wheelyard.client.signin import USERNAME
from wheelyard.client.textfile import edit_file
from wheelyard.errors import NotPossible

if TYPE_CHECKING:
    from pathlib import Path

NAME = "wheelyard"
"""What poetry, uv and twine call the index."""


class Written(NamedTuple):
    """A file, and what it says now."""

    path: "Path"
    what: str


def configure(
    login: Login, places: Places, tools: tuple[str, ...], *, keyring: bool
) -> list[Written]:
    """Write the configuration of these tools. Raises ``NotPossible``."""
    written = [each for tool in tools for each in _TOOLS[tool](login, places, keyring)]
    if {"pip", "uv"} & set(tools):
        written += _netrc(login, places, keyring=keyring)
    return written


def _pip(login: Login, places: Places, keyring: bool) -> list[Written]:
    # By a subprocess, pip's keyring is only asked with a user name.
    url = with_user(login.index_url) if keyring else login.index_url

    def edit(text: str) -> str:
        text = with_value(text, "global", "index-url", url)
        return with_value(text, "global", "keyring-provider", "subprocess") if keyring else text

    edit_file(places.pip, edit)
    return [Written(places.pip, f"pip installs from {login.index_url}")]


def _uv(login: Login, places: Places, keyring: bool) -> list[Written]:
    def edit(document: Any) -> None:
        import tomlkit

        found = document.setdefault("index", tomlkit.aot())
        mine = next((index for index in found if index.get("name") == NAME), None)
        if any(index.get("default") and index is not mine for index in found):
            raise NotPossible(
                f"{str(places.uv)!r} has another default index, beside which this one cannot be: remove "
                "that one, or leave uv out (--tool)"
            )
        if mine is None:
            mine = tomlkit.table()
            found.append(mine)
        url = with_user(login.index_url) if keyring else login.index_url
        mine.update({"name": NAME, "url": url, "default": True})
        if keyring:
            document["keyring-provider"] = "subprocess"
        if login.upload:
            document["publish-url"] = login.upload_url

    _edit_toml(places.uv, edit)
    return [Written(places.uv, f"uv installs from {login.index_url}")]


def _poetry(login: Login, places: Places, keyring: bool) -> list[Written]:
    """The project itself names its source: ``poetry source add --priority=primary wheelyard URL``."""
    config, auth = places.poetry / "config.toml", places.poetry / "auth.toml"
    written = []
    if login.upload:
        _edit_toml(config, lambda doc: _table(doc, "repositories", NAME, url=login.upload_url))
        written.append(Written(config, f"poetry publishes with -r {NAME}"))
    if keyring:
        if auth.exists():
            _edit_toml(auth, _without_password, private=True)
    else:
        given = {"username": USERNAME, "password": login.token}
        _edit_toml(auth, lambda doc: _table(doc, "http-basic", NAME, **given), private=True)
        written.append(
            Written(auth, f"poetry signs in at a source or repository that is called {NAME!r}")
        )
    return written


def _twine(login: Login, places: Places, keyring: bool) -> list[Written]:
    if not login.upload:
        return []

    def edit(text: str) -> str:
        servers = (value_of(text, "distutils", "index-servers") or "").split()
        if NAME not in servers:
            text = with_value(text, "distutils", "index-servers", "\n".join(["", *servers, NAME]))
        text = with_value(text, NAME, "repository", login.upload_url)
        text = with_value(text, NAME, "username", USERNAME)
        if keyring:  # which is asked where there is no password
            return without_value(text, NAME, "password")
        return with_value(text, NAME, "password", login.token)

    edit_file(places.pypirc, edit, private=not keyring)
    return [Written(places.pypirc, f"twine publishes with -r {NAME}")]


def _netrc(login: Login, places: Places, *, keyring: bool) -> list[Written]:
    """A token there comes before what a keyring has, so with one there must be none."""
    hosts = dict.fromkeys(
        host for url in (login.index_url, login.upload_url) if (host := urlsplit(url).hostname)
    )

    def edit(text: str) -> str:
        for host in hosts:
            if keyring:
                text = without_machine(text, host, USERNAME)
            else:
                text = with_machine(text, host, USERNAME, login.token)
        return text

    if keyring and not places.netrc.exists():
        return []
    edit_file(places.netrc, edit, private=True)
    return [] if keyring else [Written(places.netrc, f"pip and uv sign in at {', '.join(hosts)}")]


_TOOLS: Mapping[str, Callable[[Login, Places, bool], list[Written]]] = {
    "pip": _pip,
    "uv": _uv,
    "poetry": _poetry,
    "twine": _twine,
}
TOOLS = tuple(_TOOLS)
"""The clients that can be configured."""


def variables(login: Login) -> dict[str, str]:
    """The same as environment variables, token and all."""
    index = with_user(login.index_url, login.token)
    reading = {
        "PIP_INDEX_URL": index,
        "UV_DEFAULT_INDEX": index,
        "POETRY_HTTP_BASIC_WHEELYARD_USERNAME": USERNAME,
        "POETRY_HTTP_BASIC_WHEELYARD_PASSWORD": login.token,
    }
    if not login.upload:
        return reading
    return reading | {
        "TWINE_REPOSITORY_URL": login.upload_url,
        "TWINE_USERNAME": USERNAME,
        "TWINE_PASSWORD": login.token,
        "UV_PUBLISH_URL": login.upload_url,
        "UV_PUBLISH_TOKEN": login.token,
        "POETRY_REPOSITORIES_WHEELYARD_URL": login.upload_url,
    }


def with_user(url: str, password: str = "") -> str:
    """The URL with the user name of tokens, and the password if there is one."""
    parts = urlsplit(url)
    user = f"{USERNAME}:{password}" if password else USERNAME
    return urlunsplit(parts._replace(netloc=f"{user}@{parts.netloc.rpartition('@')[2]}"))


def _without_password(document: Any) -> None:
    document.get("http-basic", {}).pop(NAME, None)


def _table(document: Any, group: str, name: str, **values: str) -> None:
    import tomlkit

    document.setdefault(group, tomlkit.table(is_super_table=True))
    document[group].setdefault(name, tomlkit.table()).update(values)


def _edit_toml(path: "Path", edit: Callable[[Any], None], *, private: bool = False) -> None:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    def change(text: str) -> str:
        try:
            document = tomlkit.parse(text)
            edit(document)
        except TOMLKitError as error:
            # Of the file itself nothing is shown: it may hold passwords.
            raise NotPossible(f"{str(path)!r} is no TOML file: {type(error).__name__}") from None
        return tomlkit.dumps(document)

    edit_file(path, change, private=private)
