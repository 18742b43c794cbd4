"""Many uploads to one project at once, and what a killed server leaves."""

import hashlib
import http.client
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import forms
from distributions import BuiltDistribution, build_sdist, build_wheel
from running import READER, UPLOADER, Index, running

FILES = [
    build("acme-fleet", f"1.{number}")
    for number in range(16)
    for build in (build_wheel, build_sdist)
]


def check_all_listed(index: Index) -> None:
    """Each of the files is listed, once, with its true digest, and can be had."""
    listed = [(file["filename"], file["hashes"]) for file in index.page("acme-fleet")["files"]]
    assert sorted(listed, key=str) == sorted(
        ((file.filename, {"sha256": file.sha256}) for file in FILES), key=str
    )
    for name, digests in listed:
        content = index.request("GET", f"/simple/acme-fleet/{name}", READER).body
        assert hashlib.sha256(content).hexdigest() == digests["sha256"]
    for file in FILES:
        if file.filename.endswith(".whl"):
            path = f"/simple/acme-fleet/{file.filename}.metadata"
            assert index.request("GET", path, READER).status == 200
    assert b"acme-fleet" in index.request("GET", "/simple/", READER).body


def test_32_uploads_at_once(tmp_path: Path) -> None:
    """32 different files of a new project, uploaded at the same time, are all listed."""
    with running(tmp_path) as index, ThreadPoolExecutor(len(FILES)) as uploaders:
        assert {answer.status for answer in uploaders.map(index.upload, FILES)} == {200}
        check_all_listed(index)


def test_the_same_file_32_times_at_once(tmp_path: Path) -> None:
    """One file uploaded by many at the same time succeeds for each, and is listed once."""
    with running(tmp_path) as index, ThreadPoolExecutor(32) as uploaders:
        assert {answer.status for answer in uploaders.map(index.upload, FILES[:1] * 32)} == {200}
        assert [file["filename"] for file in index.page("acme-fleet")["files"]] == [
            FILES[0].filename
        ]


def test_different_files_of_one_name_at_once(tmp_path: Path) -> None:
    """Of different files under one name, uploaded at the same time, exactly one is published."""
    rivals = [
        build_wheel("acme-fleet", "1.0", files={"fleet.py": b"#%d" % number})
        for number in range(16)
    ]
    with running(tmp_path) as index, ThreadPoolExecutor(16) as uploaders:
        answers = list(uploaders.map(index.upload, rivals))
        assert sorted(answer.status for answer in answers) == [200] + [400] * 15
        (winner,) = [
            rival for rival, answer in zip(rivals, answers, strict=True) if answer.status == 200
        ]
        (file,) = index.page("acme-fleet")["files"]
        assert file["hashes"] == {"sha256": winner.sha256}


@pytest.mark.parametrize("survivors", [0, 8, 20])
def test_the_server_is_killed_in_the_middle(tmp_path: Path, survivors: int) -> None:
    """After a kill, what was acknowledged is listed, and repeating the uploads completes the rest."""
    acknowledged: list[str] = []

    def upload(file: BuiltDistribution) -> None:
        try:
            if index.upload(file).status == 200:
                acknowledged.append(file.filename)
        except (OSError, http.client.HTTPException):
            return

    with running(tmp_path) as index:
        with begun_upload(index), ThreadPoolExecutor(len(FILES)) as uploaders:
            done = uploaders.map(upload, FILES)
            index.wait_until(lambda: len(acknowledged) >= survivors)
            index.kill()
            list(done)
        assert list((index.store / ".staging").iterdir()), "the kill came between two uploads"
        index.start()
        assert not list((index.store / ".staging").iterdir()), "the start did not sweep"
        if acknowledged:
            listed = {file["filename"] for file in index.page("acme-fleet")["files"]}
            assert set(acknowledged) <= listed
        with ThreadPoolExecutor(len(FILES)) as uploaders:
            assert {answer.status for answer in uploaders.map(index.upload, FILES)} == {200}
        check_all_listed(index)


def begun_upload(index: Index) -> socket.socket:
    """The connection of an upload that has begun and does not go on."""
    client = socket.create_connection(("127.0.0.1", index.port))
    client.sendall(
        (
            "POST /legacy/ HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: {UPLOADER.authorization}\r\n"
            f"Content-Type: {forms.CONTENT_TYPE}\r\nContent-Length: 100000\r\n\r\n--"
        ).encode()
    )
    index.wait_until(lambda: any((index.store / ".staging").iterdir()))
    return client
