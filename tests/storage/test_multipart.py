"""Uploads in parts, where S3 does not answer as it should."""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest
from obstore.store import MemoryStore

from wheelyard.errors import KeyContended, KeyExists, KeyNotFound, StorageError
from wheelyard.storage.multipart import S3Parts, Source
from wheelyard.storage.objects import ObjectStore

SECRET = "X-Amz-Signature=0123456789abcdef"
BEGUN = b"<InitiateMultipartUploadResult><UploadId>u-1</UploadId></InitiateMultipartUploadResult>"


@contextmanager
def s3(*answers: bytes, heard: list[bytes] | None = None) -> Iterator[S3Parts]:
    """Uploads in parts to an S3 that gives these answers, each on a connection of its own.

    An empty one is a connection that breaks off. ``heard`` gets the bodies of the requests.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def serve() -> None:
            for answer in answers:
                connection, _ = listening.accept()
                with connection:
                    body = received(connection)
                    if heard is not None:
                        heard.append(body)
                    connection.sendall(answer)

        def link(method: str, key: str, query: object, headers: object) -> str:
            return f"http://127.0.0.1:{port}/{key}?{SECRET}"

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield S3Parts(ObjectStore(MemoryStore(), operate=link))
        thread.join(10)


def received(connection: socket.socket) -> bytes:
    """The body of one request."""
    with connection.makefile("rb") as request:
        lines = iter(request.readline, b"\r\n")
        sizes = [line for line in lines if line.lower().startswith(b"content-length:")]
        return request.read(int(sizes[0].partition(b":")[2]) if sizes else 0)


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    """An answer after which the connection ends."""
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers)
    return "\r\n".join((*lines, "", "")).encode() + body


def test_an_answer_that_breaks_off(caplog: pytest.LogCaptureFixture) -> None:
    """S3 is asked again, and the presigned link stays out of the log."""
    caplog.set_level(logging.DEBUG)
    with s3(b"", answer("503 Slow Down"), b"", answer("200 OK", BEGUN)) as parts:
        assert parts.begin("key") == "u-1"
    assert SECRET not in caplog.text


def test_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    """Where S3 never answers, that is an error of the store, which does not show the link."""
    caplog.set_level(logging.DEBUG)
    with (
        s3(b"", b"", b"", b"") as parts,
        pytest.raises(StorageError, match="about 'key'") as failed,
    ):
        parts.begin("key")
    assert SECRET not in caplog.text + str(failed.value)
    assert failed.value.__cause__ is None


def test_a_redirect(caplog: pytest.LogCaptureFixture) -> None:
    """A link is for one address: it is followed to no other one, and not logged."""
    caplog.set_level(logging.DEBUG)
    elsewhere = answer("307 Temporary Redirect", b"", "Location: http://127.0.0.1:9/other")
    with s3(elsewhere) as parts, pytest.raises(StorageError, match="answers 307"):
        parts.begin("key")
    assert SECRET not in caplog.text


FAILED = b"<?xml version='1.0'?>\n <Error><Code>%s</Code><Message>We failed.</Message></Error>"
COPIED = b"<CopyPartResult><ETag>&quot;e-1&quot;</ETag>%s</CopyPartResult>"
JOINED = b"<CompleteMultipartUploadResult></CompleteMultipartUploadResult>"
SOURCE = Source("source", "bucket/source", 5, '"tag"')


def test_a_failure_after_the_status() -> None:
    """S3 says 200 before it is done; what it says then of itself is tried again, all else is an error."""
    passing, lasting = FAILED % b"SlowDown", FAILED % b"AccessDenied"
    with s3(answer("200 OK", passing), answer("200 OK", COPIED % b"")) as parts:
        assert parts.copy("key", "u-1", 1, SOURCE, 0, 5).etag == '"e-1"'
    with (
        s3(answer("200 OK", lasting)) as parts,
        pytest.raises(StorageError, match=r"AccessDenied We failed\."),
    ):
        parts.copy("key", "u-1", 1, SOURCE, 0, 5)
    with s3(answer("200 OK", lasting)) as parts, pytest.raises(StorageError, match="AccessDenied"):
        parts.join("key", "u-1", [], create=True)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (b"PreconditionFailed", KeyExists),
        (b"ConditionalRequestConflict", KeyContended),
        (b"NoSuchUpload", KeyNotFound),
    ],
)
def test_a_refusal_after_the_status(code: bytes, error: type[StorageError]) -> None:
    """The reasons why an object was not created are told apart there, too."""
    with s3(answer("200 OK", FAILED % code)) as parts, pytest.raises(error):
        parts.join("key", "u-1", [], create=True)


def test_checksums_are_given_back() -> None:
    """The checksums that S3 computed of copied parts are what it wants to have when they are joined."""
    heard: list[bytes] = []
    sums = b"<ChecksumSHA256>q+8/w==</ChecksumSHA256>"
    with s3(answer("200 OK", COPIED % sums), answer("200 OK", JOINED), heard=heard) as parts:
        part = parts.copy("key", "u-1", 1, SOURCE, 0, 5)
        parts.join("key", "u-1", [part], create=True)
    assert sums in heard[1]
    assert b"<ETag>&quot;e-1&quot;</ETag>" in heard[1]
