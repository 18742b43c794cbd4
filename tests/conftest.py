"""For the whole project: the upstream index, and the S3 servers, started when first asked for."""

from collections.abc import Iterator

import pytest
from hypothesis import settings

import clients
import indexes
import running
import secrecy
import servers
from upstream import Upstream, running_upstream

# How long an example takes says nothing on a busy machine.
settings.register_profile("wheelyard", deadline=None)
settings.load_profile("wheelyard")


@pytest.fixture(scope="session", autouse=True)
def _collected() -> Iterator[None]:
    """All that is logged, raised and recorded is collected; what is left at the end is searched too."""
    secrecy.keep_secret(indexes.READER[1], indexes.UPLOADER[1], clients.PUBLISHER.password)
    secrecy.keep_secret(running.READER.password, running.UPLOADER.password)
    secrecy.keep_secret(running.STRANGER.password)
    with secrecy.collecting():
        yield
    assert secrecy.let_out() == []


@pytest.fixture(autouse=True)
def _nothing_let_out(_collected: None) -> Iterator[None]:
    """No secret is told to any log, in any error or in the audit trail, whatever the test is about."""
    secrecy.log_everything()
    yield
    assert secrecy.let_out() == []


@pytest.fixture(scope="session")
def s3_moto() -> Iterator[servers.S3Server]:
    """moto, in this process."""
    with servers.moto_server() as server:
        yield server


@pytest.fixture(scope="session")
def s3_weed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.S3Server]:
    """SeaweedFS, which checks signatures."""
    with servers.weed_server(tmp_path_factory.mktemp("weed")) as server:
        yield server


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """An upstream index that the test controls."""
    with running_upstream() as running:
        yield running
