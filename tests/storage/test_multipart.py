"""Uploads in parts, where S3 does not answer as it should."""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest
from obstore.store import MemoryStore

from wheelyard.errors import StorageError
from wheelyard.storage.multipart import S3Parts
from wheelyard.storage.objects import ObjectStore

SECRET = "X-Amz-Signature=0123456789abcdef"
BEGUN = b"<InitiateMultipartUploadResult><UploadId>u-1</UploadId></InitiateMultipartUploadResult>"


@contextmanager
def s3(*answers: bytes) -> Iterator[S3Parts]:
    """Uploads in parts to an S3 that gives these answers, each on a connection of its own.

    An empty one is a connection that breaks off.
    """
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]

        def serve() -> None:
            for answer in answers:
                connection, _ = listening.accept()
                with connection:
                    connection.recv(65536)
                    connection.sendall(answer)

        def link(method: str, key: str, query: object) -> str:
            return f"http://127.0.0.1:{port}/{key}?{SECRET}"

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield S3Parts(ObjectStore(MemoryStore(), operate=link))
        thread.join(10)


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    """An answer after which the connection ends."""
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers)
    return "\r\n".join((*lines, "", "")).encode() + body


def test_an_answer_that_breaks_off(caplog: pytest.LogCaptureFixture) -> None:
    """S3 is asked again, and the presigned link stays out of the log."""
    caplog.set_level(logging.INFO)
    with s3(b"", answer("503 Slow Down"), b"", answer("200 OK", BEGUN)) as parts:
        assert parts.begin("key") == "u-1"
    assert SECRET not in caplog.text


def test_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    """Where S3 never answers, that is an error of the store, which does not show the link."""
    caplog.set_level(logging.INFO)
    with (
        s3(b"", b"", b"", b"") as parts,
        pytest.raises(StorageError, match="about 'key'") as failed,
    ):
        parts.begin("key")
    assert SECRET not in caplog.text + str(failed.value)
    assert failed.value.__cause__ is None


def test_a_redirect(caplog: pytest.LogCaptureFixture) -> None:
    """A link is for one address: it is followed to no other one, and not logged."""
    caplog.set_level(logging.INFO)
    elsewhere = answer("307 Temporary Redirect", b"", "Location: http://127.0.0.1:9/other")
    with s3(elsewhere) as parts, pytest.raises(StorageError, match="answers 307"):
        parts.begin("key")
    assert SECRET not in caplog.text
