"""For exports and imports: buckets of moto and SeaweedFS, in the environment of who uses them."""

import pytest

from servers import S3Server
from transfers import use


@pytest.fixture
def moto(s3_moto: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """moto, and the environment of somebody who uses it."""
    use(s3_moto, monkeypatch)
    return s3_moto


@pytest.fixture
def weed(s3_weed: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """SeaweedFS, and the environment of somebody who uses it."""
    use(s3_weed, monkeypatch)
    return s3_weed
