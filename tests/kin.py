"""Other indexes, as their users have them: filled by their own tools, or as those would fill them.

``s3pypi``, ``pypi-server`` and ``devpi-server`` are run as they are. serverless-pypi needs Lambda, and
elasticpypi needs DynamoDB: what they leave in their buckets is written here by hand.
"""

import hashlib
import json
import os
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import requests
from packaging.utils import canonicalize_name
from passlib.hash import pbkdf2_sha512

import tools
from distributions import BuiltDistribution
from running import free_port
from servers import S3Server

READY_WITHIN = 60.0
"""Seconds that an index has to answer."""


def project_of(file: BuiltDistribution) -> str:
    """The normalised name of a file's project."""
    return canonicalize_name(file.filename.split("-")[0])


# --- s3pypi ---


def s3pypi(
    server: S3Server, bucket: str, folder: Path, files: Iterable[BuiltDistribution], *options: str
) -> None:
    """Upload by ``s3pypi upload``."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for file in files:
        paths.append(folder / file.filename)
        paths[-1].write_bytes(file.content)
    environ = tools.environment(
        AWS_ACCESS_KEY_ID=server.credentials.access_key_id,
        AWS_SECRET_ACCESS_KEY=server.credentials.secret_access_key,
        AWS_DEFAULT_REGION=server.region,
        AWS_ENDPOINT_URL=server.url,
        AWS_MAX_ATTEMPTS="1",  # it looks for a table of locks, and there is none
        HOME=str(folder),
    )
    tools.run("s3pypi", "upload", "--bucket", bucket, *options, *paths, environ=environ)


# --- serverless-pypi (QuiNovas) ---


def serverless_pypi(
    files: Iterable[BuiltDistribution],
    users: Mapping[str, tuple[str, bool]],
    yanked: Mapping[str, str] | None = None,
) -> dict[str, bytes]:
    """The keys and objects that its Lambda function writes for these uploads and users."""
    objects: dict[str, bytes] = {}
    pages: dict[str, dict[str, Any]] = {}
    for file in files:
        project = project_of(file)
        # Made of the upload form, and not the archive's own.
        metadata = f"Metadata-Version: 2.1\nName: {project}\n".encode()
        objects[f"projects/{project}/{file.filename}"] = file.content
        objects[f"projects/{project}/{file.filename}.metadata"] = metadata
        page = pages.setdefault(
            project, {"files": [], "meta": {"api-version": "1.0"}, "name": file.filename[:1]}
        )
        page["name"] = project.replace("-", "_")
        page["files"].append(
            {
                "dist-info-metadata": {"sha256": hashlib.sha256(metadata).hexdigest()},
                "filename": file.filename,
                "hashes": {
                    "md5": hashlib.md5(file.content, usedforsecurity=False).hexdigest(),
                    "sha256": file.sha256,
                },
                "url": f"/simple/{project}/{file.filename}",
                "yanked": (yanked or {}).get(file.filename, False),
            }
        )
    for project, page in pages.items():
        objects[f"projects/{project}/index.json"] = json.dumps(page).encode()
    for name, (password, upload) in users.items():
        record = {"hash": pbkdf2_sha512.hash(password), "upload": upload}
        digest = hashlib.sha256(name.encode()).hexdigest()
        objects[f"users/{digest}.json"] = json.dumps(record).encode()
    objects["database.json"] = json.dumps(dict.fromkeys(pages, True)).encode()
    for root in ("index.json", "index.html", "legacy.html"):
        objects[root] = b"made again by each reindex"
    return objects


# --- terraform-aws-serverless-pypi, elasticpypi ---


def folders(files: Iterable[BuiltDistribution]) -> dict[str, bytes]:
    """``<project>/<file>`` with one page for the root, as a bucket with terraform's module has it."""
    objects = {f"{project_of(file)}/{file.filename}": file.content for file in files}
    links = "".join(f'<a href="{key.partition("/")[0]}">x</a><br>' for key in objects)
    return objects | {"index.html": f"<!DOCTYPE html><html><body>{links}</body></html>".encode()}


def flat(files: Iterable[BuiltDistribution]) -> dict[str, bytes]:
    """All files at the root, as elasticpypi's bucket has them."""
    return {file.filename: file.content for file in files}


# --- where such objects stand ---


def put_in_bucket(server: S3Server, bucket: str, objects: Mapping[str, bytes]) -> None:
    """Put the objects into a bucket."""
    for key, body in objects.items():
        server.client().put_object(Bucket=bucket, Key=key, Body=body)


def put_in_folder(folder: Path, objects: Mapping[str, bytes], changed: datetime) -> None:
    """Put the objects into a directory, all last changed at one time."""
    for key, body in objects.items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        os.utime(path, (changed.timestamp(), changed.timestamp()))


# --- pypiserver, devpi ---


@contextmanager
def pypiserver(folder: Path, files: Iterable[BuiltDistribution]) -> Iterator[str]:
    """``pypi-server`` with these files; the URL of its simple index."""
    packages = folder / "packages"
    packages.mkdir(parents=True)
    for file in files:
        (packages / file.filename).write_bytes(file.content)
    port = free_port()
    command = ["run", "-p", str(port), "-i", "127.0.0.1", "--disable-fallback", str(packages)]
    with _running(folder, "pypi-server", command, f"http://127.0.0.1:{port}/simple/") as url:
        yield url


@contextmanager
def devpi(folder: Path, files: Iterable[BuiltDistribution]) -> Iterator[str]:
    """``devpi-server`` with a private index that is filled by twine; the URL of its simple index.

    Its readers need no credentials.
    """
    state = folder / "devpi"
    environ = tools.environment(HOME=str(folder))
    tools.run("devpi-init", "--serverdir", state, "--no-root-pypi", environ=environ)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = ["--serverdir", str(state), "--host", "127.0.0.1", "--port", str(port)]
    with _running(folder, "devpi-server", command, f"{url}/+api"):
        account = {"user": "root", "password": ""}
        login = requests.post(f"{url}/+login", json=account, timeout=30)
        index = {"type": "stage", "bases": [], "volatile": True}
        made = requests.put(
            f"{url}/root/acme",
            json=index,
            auth=None,
            headers=_devpi_headers(login.json()["result"]["password"]),
            timeout=30,
        )
        assert made.status_code == 200, made.text
        paths = []
        for file in files:
            paths.append(folder / file.filename)
            paths[-1].write_bytes(file.content)
        repository = ["--repository-url", f"{url}/root/acme/", "-u", "root", "-p", ""]
        options = ["--non-interactive", "--disable-progress-bar", *repository]
        tools.run("twine", "upload", *options, *paths, environ=environ)
        yield f"{url}/root/acme/+simple/"


def _devpi_headers(token: str) -> dict[str, str]:
    from base64 import b64encode

    return {"X-Devpi-Auth": b64encode(f"root:{token}".encode()).decode()}


@contextmanager
def _running(folder: Path, tool: str, command: list[str], url: str) -> Iterator[str]:
    log_path = folder / f"{tool}.log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [tools.tool(tool), *command],
            cwd=folder,
            env=tools.environment(HOME=str(folder)),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        _wait(process, url, log_path)
        yield url
    finally:
        process.terminate()
        process.wait()


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN
    while process.poll() is None and time.monotonic() < deadline:
        try:
            if requests.get(url, timeout=5).status_code == 200:
                return
        except requests.RequestException:
            time.sleep(0.1)
    raise RuntimeError(f"{url} does not answer:\n{log.read_text(errors='replace')}")
