"""An index over a store of the test's own, asked without a network."""

import secrets
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping

from obstore.store import MemoryStore

import forms
from distributions import BuiltDistribution
from wheelyard.access.users import Users
from wheelyard.entry.application import application
from wheelyard.entry.http import FileBody, Request, Response
from wheelyard.settings import Settings
from wheelyard.storage.objects import ObjectStore
from wheelyard.storage.store import Store

READER = ("reader", "reader-password")
UPLOADER = ("uploader", "uploader-password")

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"


class Index:
    """The application, and what a client would do with it."""

    def __init__(
        self,
        store: Store | None = None,
        env: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.store = store or ObjectStore(MemoryStore())
        users = Users(self.store)
        users.put(*READER)
        users.put(*UPLOADER, upload=True)
        self.application = application(Settings.from_env(env or {}), self.store, clock=clock)

    def ask(
        self,
        method: str,
        path: str,
        user: tuple[str, str] | None = READER,
        headers: Mapping[str, str] | None = None,
        body: Iterable[bytes] = (),
        limit: int | None = None,
        **fields: str,
    ) -> Response:
        """One request; ``path`` may have a query."""
        path, _, query = path.partition("?")
        sent = dict(headers or {})
        if user is not None:
            sent["authorization"] = basic(*user)
        request = Request(method, path, query, sent, body, limit=limit, **fields)
        return self.application(request)

    def get(self, path: str, accept: str | None = None, **headers: str) -> Response:
        """A reader's GET."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if accept is not None:
            sent["accept"] = accept
        return self.ask("GET", path, headers=sent)

    def upload(
        self,
        built: BuiltDistribution,
        fields: Mapping[str, str | list[str] | None] | None = None,
        user: tuple[str, str] | None = UPLOADER,
        path: str = "/legacy/",
    ) -> Response:
        """What twine sends for a file, with ``fields`` put in place of its own; None leaves one out."""
        content_type, body = form(built, fields)
        return self.ask("POST", path, user, {"content-type": content_type}, [body])


def form(
    built: BuiltDistribution, fields: Mapping[str, str | list[str] | None] | None = None
) -> tuple[str, bytes]:
    """The content type and body of a legacy upload form."""
    values: Mapping[str, str | list[str] | None] = {**forms.fields(built), **(fields or {})}
    sent = [
        forms.Part(name, item.encode())
        for name, value in values.items()
        for item in ([value] if isinstance(value, str) else value or [])
    ]
    content = forms.Part("content", built.content, built.filename)
    return forms.CONTENT_TYPE, forms.encode([*sent, content])


def basic(username: str, password: str) -> str:
    """An Authorization header."""
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()


def content(response: Response) -> bytes:
    """The whole body, whatever its kind."""
    body = response.body
    if isinstance(body, bytes):
        return body
    if isinstance(body, FileBody):
        return body.path.read_bytes()[body.start : body.end]
    return b"".join(body)


def random_bytes(size: int) -> bytes:
    """Bytes that nothing compresses."""
    return secrets.token_bytes(size)
