"""The one-machine server as a process: starting, stopping, what it says and what it keeps."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import forms
from distributions import build_wheel
from running import READER, READY_WITHIN, STRANGER, UPLOADER, Account, Index, free_port, running
from servers import S3Server

WHEEL = build_wheel("acme-widgets", "1.0")


@contextmanager
def started(index: Index) -> Iterator[Index]:
    """The server runs within the block; how it ends is the test's business."""
    index.start()
    try:
        yield index
    finally:
        index.kill()


def first_account(index: Index) -> Account:
    """The user that the server made and told of."""
    (line,) = [line for line in index.printed().splitlines() if "first user" in line]
    name, password = line.split()[-2:]
    return Account(name, password)


# --- stopping ---


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_server_cleanly(
    tmp_path: Path, how: signal.Signals, workers: str
) -> None:
    """SIGTERM and SIGINT end the server with status 0 and nothing unusual in the log."""
    with started(Index(tmp_path, options=("--workers", workers))) as index:
        wait_for_workers(index, int(workers))
        assert index.stop(how) == 0
        check_usual(index)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_control_c_in_a_terminal(tmp_path: Path, workers: str) -> None:
    """An interrupt of the whole process group, as a terminal sends it, is a clean stop as well."""
    with started(Index(tmp_path, options=("--workers", workers))) as index:
        wait_for_workers(index, int(workers))
        assert index.stop(signal.SIGINT, group=True) == 0
        check_usual(index)


def wait_for_workers(index: Index, number: int) -> None:
    """Return when all processes have started, not only the one that answered first."""
    index.wait_until(lambda: index.log_text().count('"started"') == number)


def check_usual(index: Index) -> None:
    """Nothing but starts and requests is in the log."""
    assert {line["message"] for line in index.log_lines()} == {"started", "request"}


def test_idle_connections_do_not_hold_up_the_stop(tmp_path: Path) -> None:
    """A client that keeps its connection open does not keep the server from stopping."""
    with (
        started(Index(tmp_path)) as index,
        socket.create_connection(("127.0.0.1", index.port)) as idle,
    ):
        idle.sendall(b"GET /-/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert idle.recv(4096).startswith(b"HTTP/1.1 200 ")
        assert index.stop() == 0


def test_a_request_under_way_is_finished(tmp_path: Path) -> None:
    """An upload that has begun when the server is told to stop is taken whole, answered and listed."""
    with running(tmp_path) as index:
        body = forms.encode(forms.parts(WHEEL))
        head = (
            "POST /legacy/ HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: {UPLOADER.authorization}\r\n"
            f"Content-Type: {forms.CONTENT_TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", index.port)) as client:
            client.sendall(head.encode() + body[:100])
            index.wait_until(lambda: any((index.store / ".staging").iterdir()))
            os.kill(index.pid, signal.SIGTERM)
            index.wait_until_closed()
            client.sendall(body[100:])
            assert client.recv(4096).startswith(b"HTTP/1.1 200 ")
        assert index.wait() == 0
        index.start()
        assert [file["filename"] for file in index.page("acme-widgets")["files"]] == [
            WHEEL.filename
        ]


# --- dying ---


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    """Killing the process that was started leaves none behind that would hold the port."""
    with started(Index(tmp_path, options=("--workers", "2"))) as index:
        os.kill(index.pid, signal.SIGKILL)
        index.wait_until_closed()


def test_a_worker_that_dies_is_replaced(tmp_path: Path) -> None:
    """The server goes on answering after a worker was killed, for want of memory for example."""
    with started(Index(tmp_path, options=("--workers", "2"))) as index:
        workers = index.workers()
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        index.wait_until_ready()
        index.wait_until(lambda: len(set(index.workers()) - set(workers)) == 2)
        assert index.stop() == 0


# --- starting ---


def test_the_first_user(tmp_path: Path) -> None:
    """The first start over an empty store makes a user who can publish, and shows the password once."""
    with started(Index(tmp_path)) as index:
        account = first_account(index)
        assert index.upload(WHEEL, account).status == 200
        assert index.stop() == 0
        index.start()
        assert index.page("acme-widgets", account)["name"] == "acme-widgets"
        assert first_account(index) == account, "a second user was made"
        assert account.password not in index.log_text()


def test_no_user_is_made_where_there_are_some(tmp_path: Path) -> None:
    """A store that has users gets no further one."""
    with running(tmp_path) as index:
        assert "first user" not in index.printed()
        assert index.request("GET", "/simple/", Account("admin", "admin")).status == 401


def test_the_lines_to_paste_are_right(tmp_path: Path) -> None:
    """The addresses and credentials in the lines for pip, uv and twine are those of the server."""
    with started(Index(tmp_path)) as index:
        account, printed = first_account(index), index.printed()
        assert f"pip install --index-url {index.simple_url(account)} " in printed
        assert f"uv pip install --default-index {index.simple_url(account)} " in printed
        assert (
            f"twine upload --repository-url {index.upload_url} -u {account.name} "
            f"-p {account.password} " in printed
        )


def test_everything_persists(tmp_path: Path) -> None:
    """What was published is there, the same to the byte, after a restart."""
    with running(tmp_path) as index:
        index.publish(WHEEL)
        before = index.page("acme-widgets")
        assert index.stop() == 0
        index.start()
        assert index.page("acme-widgets") == before
        path = f"/simple/acme-widgets/{WHEEL.filename}"
        assert index.request("GET", path, READER).body == WHEEL.content


def test_a_base_path(tmp_path: Path) -> None:
    """What a front has before our paths is left out, where it is there, from the second answer too."""
    with running(tmp_path, {"API_GATEWAY_BASE_PATH": "/python/index/"}) as index:
        index.publish(WHEEL)
        for base in ("/python/index", "", "/python/index", ""):
            page = index.request("GET", f"{base}/simple/acme-widgets/", READER)
            assert page.status == 200
            assert f'href="{WHEEL.filename}#'.encode() in page.body
            moved = index.request("GET", f"{base}/simple/Acme_Widgets", READER)
            assert (moved.status, moved.headers["location"]) == (301, "acme-widgets/")
        assert index.request("GET", "/python/indexes/simple/", READER).status == 404


def test_several_workers_are_one_index(tmp_path: Path) -> None:
    """With several processes, what one of them published is listed by each at once."""
    with running(tmp_path, options=("--workers", "2")) as index:
        assert len(index.workers()) == 2
        for number in range(8):
            index.publish(build_wheel("acme-widgets", f"1.{number}"))
            pages = [index.page("acme-widgets") for _ in range(4)]
            assert [len(page["files"]) for page in pages] == [number + 1] * 4


def test_an_index_over_s3(tmp_path: Path, s3_weed: S3Server) -> None:
    """``wheelyard serve`` serves a bucket as it serves a directory, sending files by presigned links."""
    credentials = s3_weed.credentials
    environ = {
        "AWS_ENDPOINT_URL_S3": s3_weed.url,
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
    }
    location = f"s3://{s3_weed.new_bucket()}/some/prefix"
    with started(Index(tmp_path, store=location, environ=environ)) as index:
        account = first_account(index)
        assert index.upload(WHEEL, account).status == 200
        assert index.page("acme-widgets", account)["versions"] == ["1.0"]
        answer = index.request("GET", f"/simple/acme-widgets/{WHEEL.filename}", account)
        assert answer.status == 302
        assert answer.headers["location"].startswith(s3_weed.url)
        assert index.stop() == 0


def failure(index: Index, *options: str) -> str:
    """What a start that fails prints, beyond what it says to ordinary log readers."""
    process = index.spawn(*options)
    try:
        assert process.wait(READY_WITHIN) == 1
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return index.log_text()


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    """Starting on a port that is taken fails with one line that names it."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        line = failure(Index(tmp_path), "--port", str(port))
    assert line == (
        f"wheelyard: error: cannot listen on '127.0.0.1' port {port}: Address already in use; "
        "use another HOST or PORT\n"
    )
    assert not (tmp_path / "store").exists(), "a start that failed left a store behind"


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_a_certificate_that_cannot_be_used_is_one_clear_line(
    tmp_path: Path, content: str | None
) -> None:
    """Starting with a certificate that is not there, or is none, fails with one line that names it."""
    certificate = tmp_path / "server.pem"
    if content is not None:
        certificate.write_text(content)
    port = str(free_port())
    line = failure(Index(tmp_path), "--port", port, "--tls-cert", str(certificate))
    expected = f"wheelyard: error: the certificate '{certificate}' and its key cannot be used: "
    assert line.startswith(expected)
    assert line.count("\n") == 1
    assert not (tmp_path / "store").exists(), "a start that failed left a store behind"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PRESIGN_LIFETIME", "abc"),
        ("LOGGING_LEVEL", "loud"),
        ("MAX_FILE_SIZE", "-1"),
        ("API_GATEWAY_BASE_PATH", "/a b"),
    ],
)
def test_a_bad_setting_is_one_clear_line(tmp_path: Path, name: str, value: str) -> None:
    """A setting that cannot be used stops the start with one line that names it and its value."""
    line = failure(Index(tmp_path, environ={name: value}), "--port", str(free_port()))
    assert line.startswith(f"wheelyard: error: {name} is {value!r}: ")
    assert line.count("\n") == 1


@pytest.mark.parametrize(
    ("store", "part"),
    [
        ("file", "'file' cannot be used as a store: "),
        ("gs://bucket", "the store is 'gs://bucket': use a directory or s3://bucket/prefix"),
    ],
)
def test_a_bad_store_is_one_clear_line(tmp_path: Path, store: str, part: str) -> None:
    """A store that cannot be used stops the start with one line that names it."""
    (tmp_path / "file").write_text("not a directory")
    line = failure(Index(tmp_path, store=store), "--port", str(free_port()))
    assert line.startswith(f"wheelyard: error: {part}")
    assert line.count("\n") == 1


# --- the log ---


def test_one_structured_line_a_request(tmp_path: Path) -> None:
    """Each request is one line of JSON that says who asked for what, how it ended and how long it took."""
    with running(tmp_path) as index:
        index.publish(WHEEL)
        agent = {"User-Agent": "pip/26.3"}
        index.request("GET", "/simple/acme-widgets/?secret=1", READER, agent)
        index.request("GET", "/simple/", STRANGER)
        assert index.stop() == 0
        start, health, upload, page, failure, refused = index.log_lines()
    assert start["message"] == "started"
    assert health["path"] == "/-/health"
    assert (upload["method"], upload["path"], upload["status"]) == ("POST", "/legacy/", 200)
    assert upload["user"] == UPLOADER.name
    assert page.keys() >= {"timestamp", "duration_ms", "bytes", "client"}
    assert (page["path"], page["user"]) == ("/simple/acme-widgets/", READER.name)
    assert (page["user_agent"], page["status"]) == ("pip/26.3", 200)
    assert (failure["message"], failure["reason"]) == ("AuthenticationFailures", "wrong password")
    assert refused["status"] == 401
    assert "user" not in refused, "a name that was not verified is nobody's"


def test_the_log_has_no_credentials(tmp_path: Path) -> None:
    """No password stands in the log, as it is or encoded, whatever the answer was."""
    with running(tmp_path, {"LOGGING_LEVEL": "DEBUG"}) as index:
        index.publish(WHEEL)
        for account in (UPLOADER, READER, STRANGER):
            index.upload(WHEEL, account)
            index.request("GET", "/simple/", account)
            index.request("PUT", f"/nothing?password={account.password}", account)
            index.request("GET", "/simple/", None, {"Authorization": f"Bearer {account.password}"})
        (index.store / "projects/acme-widgets.json").write_text("{")
        assert index.request("GET", "/simple/acme-widgets/", READER).status == 500
        assert index.stop() == 0
        log = index.log_text()
        assert len(index.log_lines()) > 10
    for account in (UPLOADER, READER, STRANGER):
        assert account.password not in log
        assert account.authorization.removeprefix("Basic ") not in log
