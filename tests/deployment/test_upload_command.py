"""``wheelyard upload`` against the deployed stack: parts straight to its bucket."""

from pathlib import Path

import pytest

import clients
from clients import PUBLISHER
from distributions import build_sdist, build_wheel
from indexes import random_bytes
from stack import Stack
from wheelyard.client.upload import upload

pytestmark = [pytest.mark.deployment, pytest.mark.xdist_group("deployment")]


def test_beyond_what_a_function_takes(stack: Stack, tmp_path: Path) -> None:
    """A release with a file of 20 MB is published through the upload function's URL, at once."""
    user = {"username": PUBLISHER.name, "password": PUBLISHER.password, "upload": True}
    stack.administer({"putUser": user})
    files = {"acme_large/data": random_bytes(20_000_000)}
    release = [build_wheel("acme-large", "1.0", files=files), build_sdist("acme-large", "1.0")]
    for built in release:
        (tmp_path / built.filename).write_bytes(built.content)
    paths = [tmp_path / built.filename for built in release]
    stages: list[str] = []
    upload(paths, PUBLISHER.within(stack.upload_url), staged=stages.append)
    staged = f"{stages[0]}acme-large/"
    assert release[0].filename in clients.get(staged, PUBLISHER).body.decode()
    assert clients.get(f"{staged}{release[0].filename}", PUBLISHER).status == 302
    assert clients.get(staged).status == 401
    assert clients.get(f"{stack.index_url}acme-large/", PUBLISHER).status == 404
    done = upload(paths, PUBLISHER.within(stack.upload_url))
    assert all(each.published for each in done)
    page = clients.get(f"{stack.index_url}acme-large/", PUBLISHER).body.decode()
    assert all(built.filename in page for built in release)
    assert not any(each.published for each in upload(paths, PUBLISHER.within(stack.upload_url)))
