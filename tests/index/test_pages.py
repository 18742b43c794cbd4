"""Pages as they are sent."""

import gzip
import sys

import pytest

from wheelyard.index.pages import compress


@pytest.mark.parametrize("size", [10, 300_000])
def test_without_isal(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where ISA-L cannot be loaded pages are compressed all the same."""
    monkeypatch.setitem(sys.modules, "isal", None)
    body = b"wheelyard " * (size // 10)
    assert gzip.decompress(compress(body)) == body
