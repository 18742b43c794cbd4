"""Through every front the answer is the one that the one-machine server gives over HTTP."""

import json
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection

import pytest

import running
from fronts import BASE_PATH, FRONTS
from fronts.wire import Front, Pairs, Received, Sent
from requests_of_clients import READER, SENT, upload
from running import Index
from wheelyard.access.users import Users
from wheelyard.entry.application import application
from wheelyard.entry.events import from_response, to_request
from wheelyard.entry.routes import Application
from wheelyard.settings import Settings
from wheelyard.storage.directory import DirectoryStore

CONNECTION = {"connection", "date", "keep-alive", "server", "transfer-encoding"}
"""Headers that speak of a connection or of a server, not of the answer."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """A server over a directory with the table's users and upload."""
    with running.running(tmp_path_factory.mktemp("one-machine")) as index:
        users = Users(DirectoryStore(index.store))
        users.put("reader", "example-password")
        users.put("writer", "example-password", upload=True)
        assert over_http(index, FRONTS["function-url"], upload()).status == 200
        yield index


@pytest.fixture(scope="module")
def app(server: Index) -> Application:
    """The application behind the functions, over the same directory."""
    return application(
        Settings.from_env({"UPSTREAM_INDEX_URL": "none"}), DirectoryStore(server.store)
    )


def over_http(index: Index, front: Front, sent: Sent) -> Received:
    """What the server answers; a front that hands on one value of each header is given that one."""
    headers = sent.headers
    if not front.repeats:
        headers = tuple({name.lower(): value for name, value in headers}.items())
    with closing(HTTPConnection("127.0.0.1", index.port, timeout=60)) as connection:
        path = f"{sent.path}?{sent.query}" if sent.query else sent.path
        connection.putrequest(sent.method, path, skip_accept_encoding=True)
        for name, value in headers:
            if name.lower() != "content-length":
                connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(sent.body)))
        connection.endheaders(sent.body)
        answer = connection.getresponse()
        pairs = tuple((name.lower(), value) for name, value in answer.getheaders())
        return Received(answer.status, pairs, answer.read())


def through(app: Application, front: Front, sent: Sent) -> Received:
    """What the client gets through a front."""
    event = front.event(sent)
    request = to_request(event, None, BASE_PATH)
    assert request is not None
    return front.received(json.loads(json.dumps(from_response(event, app(request)))))


def meant(headers: Pairs, front: Front) -> list[tuple[str, str]]:
    """The headers that are the answer's own, and that the front lets a function set."""
    hidden = CONNECTION | ({"content-length"} if "edge" in front.name else set())
    return sorted(pair for pair in headers if pair[0] not in hidden)


@pytest.mark.parametrize("front", FRONTS.values(), ids=FRONTS.keys())
@pytest.mark.parametrize("sent", SENT.values(), ids=SENT.keys())
@pytest.mark.parametrize("known", [True, False], ids=["credentials", "no credentials"])
def test_same_answer(
    server: Index, app: Application, front: Front, sent: Sent, known: bool
) -> None:
    """Whoever asks for whatever: status, headers and body are the same."""
    others = tuple(pair for pair in sent.headers if pair[0].lower() != "authorization")
    own = tuple(pair for pair in sent.headers if pair[0].lower() == "authorization")
    sent = sent._replace(headers=others + ((own or READER) if known else ()))
    expected, received = over_http(server, front, sent), through(app, front, sent)
    assert received.status == expected.status
    if sent.path == "/" and sent.method == "GET" and known:
        # The page for people names the address that they came to.
        assert f"https://{front.host}{front.base}/simple/".encode() in received.body
        assert server.url.encode() in expected.body
        return
    assert received.body == expected.body
    assert meant(received.headers, front) == meant(expected.headers, front)
