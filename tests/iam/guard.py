"""A front of an S3 server that asks policies before each request, and notes by which grant it passed."""

import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from html import escape, unescape
from typing import TYPE_CHECKING, NamedTuple

from iam.policies import Asked, Grant, Policies
from iam.requests import S3Request, actions, arn, parse
from wheelyard.storage.presign import Credentials

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Refused(NamedTuple):
    """A request that was refused: whose, and what it lacked."""

    identity: str
    asked: Asked


class _Answer(NamedTuple):
    status: str
    headers: list[tuple[str, str]]
    body: bytes

    def send(self, start_response: "StartResponse") -> Iterable[bytes]:
        """As WSGI has it."""
        start_response(self.status, self.headers)
        return [self.body]


class Guard:
    """Knows identities by their access keys, and lets through what their policies grant.

    It does not verify signatures, which the tests of signing do on another server; but a request has to
    be signed with temporary credentials whole, as a function's role has them.
    """

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._tokens: dict[str, str | None] = {}
        self._policies: dict[str, Policies] = {}
        self.used: set[tuple[str, Grant]] = set()
        self.refused: list[Refused] = []

    def know(self, name: str, credentials: Credentials, policies: Policies) -> None:
        """Whoever signs with these is ``name``, and may do so much."""
        self._names[credentials.access_key_id] = name
        self._tokens[credentials.access_key_id] = credentials.session_token
        self._policies[name] = policies

    def granted(self, name: str) -> tuple[Grant, ...]:
        """All that an identity may do."""
        return self._policies[name].grants

    @contextmanager
    def lacking(self, name: str, action: str, folder: str) -> Iterator[None]:
        """As long as this is in use, ``name`` may not do that there."""
        before = self._policies[name]
        self._policies[name] = before.without(action, folder)
        try:
            yield
        finally:
            self._policies[name] = before

    def before(self, application: "WSGIApplication") -> "WSGIApplication":
        """The application, guarded."""

        def serve(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
            request = parse(
                environ["REQUEST_METHOD"],
                environ["PATH_INFO"].encode("latin-1").decode(),
                environ["QUERY_STRING"],
                _headers(environ),
            )
            return self._answer(request, environ, application).send(start_response)

        return serve

    def _answer(
        self, request: S3Request, environ: "WSGIEnvironment", application: "WSGIApplication"
    ) -> _Answer:
        name = self._names.get(request.access_key)
        if name is None or request.session_token != (self._tokens[request.access_key] or ""):
            return _denied(request)
        if request.deletes_many:
            return self._delete(name, request, environ, application)
        if not self._all_allowed(name, actions(request)):
            return _denied(request)
        answer = _asked(application, environ)
        is_read = request.method in {"GET", "HEAD"} and bool(request.key)
        if not is_read or not answer.status.startswith("404"):
            return answer
        # Who may not list is not told what is there:
        # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
        may_list = self._is_allowed(name, Asked("s3:ListBucket", arn(request.bucket)))
        return answer if may_list else _denied(request)

    def _all_allowed(self, name: str, asked: Iterable[Asked]) -> bool:
        denied = [each for each in asked if not self._is_allowed(name, each)]
        return not denied

    def _is_allowed(self, name: str, asked: Asked) -> bool:
        grant = self._policies[name].grant(asked)
        if grant is None:
            self.refused.append(Refused(name, asked))
            return False
        self.used.add((name, grant))
        return True

    def _delete(
        self,
        name: str,
        request: S3Request,
        environ: "WSGIEnvironment",
        application: "WSGIApplication",
    ) -> _Answer:
        """What is not allowed is told key by key, within an answer 200."""
        document = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode()
        keys = [unescape(key) for key in re.findall("<Key>(.*?)</Key>", document, re.DOTALL)]
        assert keys
        denied = [
            asked.resource.removeprefix(f"{arn(request.bucket)}/")
            for asked in actions(request, keys)
            if not self._is_allowed(name, asked)
        ]
        for key in denied:
            document = re.sub(
                f"<Object>\\s*<Key>{re.escape(escape(key, quote=False))}</Key>.*?</Object>",
                "",
                document,
            )
        body = document.encode()
        environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        if len(denied) == len(keys):
            told = b'<DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"></DeleteResult>'
            answer = _Answer("200 OK", [("content-type", "application/xml")], told)
        else:
            answer = _asked(application, environ)
        errors = "".join(
            f"<Error><Key>{escape(key)}</Key><Code>AccessDenied</Code>"
            "<Message>Access Denied</Message></Error>"
            for key in denied
        )
        told = answer.body.replace(b"</DeleteResult>", f"{errors}</DeleteResult>".encode())
        headers = [each for each in answer.headers if each[0].lower() != "content-length"]
        return _Answer(answer.status, headers, told)


def _denied(request: S3Request) -> _Answer:
    body = (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
    )
    headers = [("content-type", "application/xml"), ("content-length", str(len(body)))]
    return _Answer("403 Forbidden", headers, b"" if request.method == "HEAD" else body)


def _asked(application: "WSGIApplication", environ: "WSGIEnvironment") -> _Answer:
    """The application's own answer, whole."""
    begun: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], _error: object = None
    ) -> Callable[[bytes], object]:
        begun.append((status, headers))
        return lambda _: None

    body = b"".join(application(environ, start_response))
    return _Answer(*begun[-1], body)


def _headers(environ: Mapping[str, object]) -> dict[str, str]:
    return {
        name.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
