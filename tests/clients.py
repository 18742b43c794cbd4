"""Clients of a deployed stack: twine as it is, and plain HTTP that shows what pip would follow."""

from base64 import b64encode
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit, urlunsplit

import tools
from distributions import BuiltDistribution
from stack import Stack

if TYPE_CHECKING:
    import subprocess


class User(NamedTuple):
    """Somebody whom the admin function knows."""

    name: str
    password: str

    def within(self, url: str) -> str:
        """``url`` with the credentials in it, as pip and uv take them."""
        scheme, separator, rest = url.partition("://")
        return f"{scheme}{separator}{self.name}:{self.password}@{rest}"


PUBLISHER = User("publisher", "correct horse battery staple")


class Answer(NamedTuple):
    """A response. ``headers`` have their names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes


def get(url: str, user: User | None = None, accept: str = "*/*") -> Answer:
    """One GET, redirects not followed."""
    address = urlsplit(url)
    headers = {"Accept": accept}
    if user is not None:
        token = b64encode(f"{user.name}:{user.password}".encode()).decode()
        headers["Authorization"] = f"Basic {token}"
    connection = HTTPConnection(address.netloc, timeout=60)
    with closing(connection):
        connection.request("GET", urlunsplit(("", "", *address[2:])), headers=headers)
        got = connection.getresponse()
        named = {name.lower(): value for name, value in got.getheaders()}
        return Answer(got.status, named, got.read())


def twine(
    stack: Stack, user: User, folder: Path, *files: BuiltDistribution
) -> "subprocess.CompletedProcess[str]":
    """Upload files, put into ``folder``, by twine; whether it succeeds is for the caller to see."""
    for file in files:
        (folder / file.filename).write_bytes(file.content)
    return tools.run_unchecked(
        "twine",
        "upload",
        "--non-interactive",
        "--disable-progress-bar",
        "--verbose",
        "--repository-url",
        stack.upload_url,
        *(folder / file.filename for file in files),
        environ=tools.environment(TWINE_USERNAME=user.name, TWINE_PASSWORD=user.password),
    )
