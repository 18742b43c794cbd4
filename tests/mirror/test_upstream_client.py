"""Asking upstream: time, size, retries, redirects, addresses and credentials."""

import gzip
import logging
import socket
import threading
import time
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urljoin

import pytest

from issuers import Authority
from upstream import Answer, Upstream
from wheelyard.errors import TooLarge, UpstreamError, UpstreamRefused, UpstreamUnavailable
from wheelyard.mirror import connections
from wheelyard.mirror.connections import is_refused
from wheelyard.mirror.deadline import Deadline
from wheelyard.mirror.location import Locator, parse_location
from wheelyard.mirror.upstream import Upstream as Client
from wheelyard.mirror.upstream import require

PAGE = "/simple/demo/"


@pytest.fixture
def client(upstream: Upstream) -> Client:
    """A client that does not really wait between its attempts."""
    return make(upstream.index)


def make(url: str, timeout: float = 5, naps: list[float] | None = None) -> Client:
    def sleep(seconds: float) -> None:
        if naps is not None:
            naps.append(seconds)

    return Client(Locator(url, time.monotonic).find, timeout, sleep)


def fetch(client: Client, path: str = PAGE, most: int = 1000, deadline: float = 20) -> bytes:
    url = urljoin(client.locate().url, path)
    with client.get(url, {}, Deadline(deadline)) as answer:
        return require(answer, 200).body(most)


@pytest.mark.parametrize("failure", [Answer(500), Answer(429), Answer(drop=True)])
def test_asks_again(upstream: Upstream, client: Client, failure: Answer) -> None:
    """What may pass is tried again, and then the answer is what counts."""
    upstream.answer(PAGE, failure, failure, Answer(body=b"fine"))
    assert fetch(client) == b"fine"
    assert upstream.paths() == [PAGE] * 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 418])
def test_does_not_insist(upstream: Upstream, client: Client, status: int) -> None:
    """What would not change is asked once."""
    upstream.answer(PAGE, Answer(status), always=True)
    with pytest.raises(UpstreamRefused, match=str(status)):
        fetch(client)
    assert upstream.paths() == [PAGE]


def test_gives_up(upstream: Upstream, client: Client) -> None:
    """After four failures it is over, with the patience that upstream asked for last."""
    upstream.answer(PAGE, Answer(503, headers={"retry-after": "7"}), always=True)
    with pytest.raises(UpstreamUnavailable, match="503") as caught:
        fetch(client)
    assert caught.value.retry_after == 7
    assert upstream.paths() == [PAGE] * 4


def test_honours_retry_after(upstream: Upstream) -> None:
    """Retry-After is waited for where there is time, and a long one is handed on at once."""
    naps: list[float] = []
    client = make(upstream.index, naps=naps)
    upstream.answer(PAGE, Answer(429, headers={"retry-after": "3"}), Answer(body=b"fine"))
    assert fetch(client) == b"fine"
    assert naps == [3]
    upstream.answer(PAGE, Answer(429, headers={"retry-after": "120"}))
    with pytest.raises(UpstreamUnavailable) as caught:
        fetch(client)
    assert caught.value.retry_after == 120
    assert naps == [3]


@pytest.mark.parametrize("value", ["soon", "-1", "Wed, 99 Foo 2026", ""])
def test_strange_retry_after(upstream: Upstream, client: Client, value: str) -> None:
    """A Retry-After that nobody can read is as good as none."""
    upstream.answer(PAGE, Answer(503, headers={"retry-after": value}), Answer(body=b"fine"))
    assert fetch(client) == b"fine"


def test_down(upstream: Upstream, client: Client) -> None:
    """Nobody there is an UpstreamUnavailable."""
    upstream.stop()
    with pytest.raises(UpstreamUnavailable):
        fetch(client)


def test_slow(upstream: Upstream) -> None:
    """One read has its time, and all of them together have theirs."""
    client = make(upstream.index, timeout=0.2)
    with upstream.hold(PAGE), pytest.raises(UpstreamUnavailable, match="too long"):
        fetch(client, deadline=0.3)


def test_a_trickling_body_has_no_more_time(upstream: Upstream) -> None:
    """Bytes that keep coming do not extend the deadline."""
    now = [0.0]
    upstream.answer(PAGE, Answer(body=b"x" * 10_000_000))
    client = make(upstream.index)
    url = f"{upstream.index}/demo/"
    deadline = Deadline(20, lambda: now[0])
    with client.get(url, {}, deadline) as answer:
        chunks = answer.chunks()
        next(chunks)
        now[0] = 21
        with pytest.raises(UpstreamUnavailable, match="too long"):
            next(chunks)


def test_truncated(upstream: Upstream, client: Client) -> None:
    """A body that ends before its announced length is no body."""
    upstream.answer(PAGE, Answer(body=b"half", content_length=8), always=True)
    with pytest.raises(UpstreamUnavailable, match="too early"):
        fetch(client)


def test_bounded(upstream: Upstream, client: Client) -> None:
    """A body larger than asked for is not read to its end."""
    upstream.answer(PAGE, Answer(body=b"x" * 1001))
    with pytest.raises(TooLarge):
        fetch(client, most=1000)


def test_a_compressed_body_is_bounded_by_what_it_becomes(
    upstream: Upstream, client: Client
) -> None:
    """A small gzip body that becomes a large one is refused, a broken one too."""
    encoding = {"content-encoding": "gzip"}
    upstream.answer(PAGE, Answer(body=gzip.compress(b"x" * 50_000_000), headers=encoding))
    with pytest.raises(TooLarge):
        fetch(client, most=1000)
    upstream.answer(PAGE, Answer(body=b"no gzip", headers=encoding), always=True)
    with pytest.raises(UpstreamUnavailable, match="decompressed"):
        fetch(client)


def test_follows_redirects(upstream: Upstream, client: Client) -> None:
    """A redirect is followed, and where the answer came from is known."""
    upstream.answer("/simple/Demo/", Answer(301, headers={"location": "../demo/"}))
    upstream.answer(PAGE, Answer(body=b"fine"))
    with client.get(f"{upstream.index}/Demo/", {}) as answer:
        assert answer.url == f"{upstream.index}/demo/"
        assert answer.body(10) == b"fine"


@pytest.mark.parametrize(
    "target",
    [
        "/simple/demo/",
        "ftp://files.example/demo/",
        "file:///etc/passwd",
        "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[fe80::1%25eth0]/",
        "http://[nonsense",
        "http://host:99999/",
        "http:///nowhere",
        "http://a b/",
    ],
)
def test_refused_redirects(upstream: Upstream, client: Client, target: str) -> None:
    """Circles, other schemes, metadata services and nonsense are not followed."""
    upstream.answer(PAGE, Answer(302, headers={"location": target}), always=True)
    with pytest.raises(UpstreamRefused):
        fetch(client)


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[Upstream, Authority]]:
    """An upstream that speaks TLS, and the authority that certified it."""
    authority = Authority(tmp_path)
    upstream = Upstream(authority.server("upstream"))
    yield upstream, authority
    upstream.stop()


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_trusted_certificates(
    secure: tuple[Upstream, Authority], monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """A certificate is trusted that the machine trusts, or the file that requests is told of."""
    upstream, authority = secure
    upstream.answer(PAGE, Answer(body=b"fine"), always=True)
    monkeypatch.setenv(variable, str(authority.file))
    assert fetch(make(upstream.index)) == b"fine"


def test_an_unknown_certificate(secure: tuple[Upstream, Authority]) -> None:
    """An upstream whose certificate nobody vouches for is asked nothing."""
    upstream, _ = secure
    with pytest.raises(UpstreamRefused, match="certificate"):
        fetch(make(upstream.index))
    assert upstream.asked == []


def test_out_of_tls(
    secure: tuple[Upstream, Authority], upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A redirect from https to http is not followed."""
    there, authority = secure
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    there.answer(PAGE, Answer(302, headers={"location": f"{upstream.index}/demo/"}))
    with pytest.raises(UpstreamRefused, match="from https to http"):
        fetch(make(there.index))
    assert upstream.asked == []


@pytest.mark.parametrize(
    ("address", "refused"),
    [
        ("169.254.169.254", True),
        ("169.254.170.2", True),
        ("fe80::1%eth0", True),
        ("fd00:ec2::254", True),
        ("::ffff:169.254.169.254", True),
        ("64:ff9b::a9fe:a9fe", True),
        ("100.100.100.200", True),
        ("127.0.0.1", False),
        ("::1", False),
        ("10.0.0.1", False),
        ("192.0.2.1", False),
        ("upstream.example", False),
    ],
)
def test_addresses(address: str, refused: bool) -> None:
    """Link-local and metadata services are refused; internal networks are where internal indexes are."""
    assert is_refused(address) is refused


def test_the_address_connected_to_counts(
    upstream: Upstream, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host name that turns out to have a refused address gets a connection, but no request."""
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(connections, "_REFUSED", (ip_network("127.0.0.3/32"),))
    with socket.create_server(("127.0.0.3", 0)) as listener:
        there = f"http://127.3:{listener.getsockname()[1]}/"
        upstream.answer(PAGE, Answer(302, headers={"location": there}))
        with pytest.raises(UpstreamRefused, match="address"):
            fetch(client)
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(100) == b""


@pytest.fixture
def second() -> Iterator[Upstream]:
    """Another origin."""
    other = Upstream()
    yield other
    other.stop()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "other.example"])
def test_only_the_index_itself_may_be_on_this_machine(
    upstream: Upstream, second: Upstream, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """An index elsewhere leads to nothing here, where a function has Lambda's own interface."""
    monkeypatch.setenv("NO_PROXY", "*")
    found = socket.getaddrinfo("127.0.0.1", 0, type=socket.SOCK_STREAM)[0]

    def resolve(_name: str, port: int, *_arguments: object) -> list[tuple[object, ...]]:
        return [(*found[:4], ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    client = make(f"http://index.example:{upstream.port}/simple/")
    there = f"http://{host}:{second.port}/next"
    upstream.answer(PAGE, Answer(302, headers={"location": there}), Answer(body=b"fine"))
    second.answer("/next", Answer(body=b"the next event"))
    with pytest.raises(UpstreamRefused, match="address"):
        fetch(client)
    assert second.asked == []
    assert fetch(client) == b"fine"


def test_credentials_stay_at_home(upstream: Upstream, second: Upstream) -> None:
    """They are sent to the index's own origin, and not to where it redirects."""
    client = make(upstream.with_credentials())
    upstream.answer(PAGE, Answer(302, headers={"location": f"{second.url}/elsewhere"}))
    second.answer("/elsewhere", Answer(body=b"fine"))
    assert fetch(client) == b"fine"
    assert upstream.asked[0].headers["authorization"].startswith("Basic ")
    assert "authorization" not in second.asked[0].headers


def test_no_foreign_credentials(
    upstream: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither ~/.netrc, nor a redirect, nor a cookie brings credentials in."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    client = make(upstream.index)
    there = f"http://u:p@127.0.0.1:{upstream.port}/there"
    headers = {"location": there, "set-cookie": "session=1"}
    upstream.answer(PAGE, Answer(302, headers=headers))
    upstream.answer("/there", Answer(body=b"fine"))
    assert fetch(client) == b"fine"
    for asked in upstream.asked:
        assert "authorization" not in asked.headers
        assert "cookie" not in asked.headers


def test_nothing_secret_is_shown(upstream: Upstream, caplog: pytest.LogCaptureFixture) -> None:
    """Neither errors nor logs nor representations have the password or the URL in them."""
    caplog.set_level(logging.DEBUG)
    client = make(upstream.with_credentials())
    upstream.stop()
    with pytest.raises(UpstreamError) as caught:
        fetch(client, path="/simple/demo/?token=t0ken")
    assert caught.value.__cause__ is None
    ours = [record for record in caplog.records if record.name.startswith("wheelyard")]
    said = f"{caught.value!r} {client.locate()!r} {[r.getMessage() for r in ours]}"
    assert ours
    for secret in ("s@cret", "s%40cret", "t0ken"):
        assert secret not in said


def test_many_threads(upstream: Upstream, client: Client) -> None:
    """One client serves many threads at once."""
    upstream.answer(PAGE, Answer(body=b"fine"), always=True)
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(fetch(client))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [b"fine"] * 16


@pytest.mark.parametrize(
    ("url", "index", "has_credentials"),
    [
        ("https://upstream.example/simple", "https://upstream.example/simple/", False),
        ("https://upstream.example/simple/", "https://upstream.example/simple/", False),
        ("https://u:p%40@upstream.example:8443/x", "https://upstream.example:8443/x/", True),
        ("https://token@upstream.example/", "https://upstream.example/", True),
    ],
)
def test_locations(url: str, index: str, has_credentials: bool) -> None:
    """The index's URL ends with a slash, and credentials are taken out of it."""
    found = parse_location(url)
    assert found.url == index
    assert (found.authorization is not None) is has_credentials
