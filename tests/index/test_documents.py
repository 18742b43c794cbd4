"""Documents that are remembered."""

from typing import Any

from wheelyard.index.documents import Document
from wheelyard.storage.store import Stored


def test_rendering_while_it_is_measured() -> None:
    """A document's size can be asked for while another thread renders a page of it."""
    document = Document(Stored(b"{}", '"1"'))

    class Page(bytes):
        def __len__(self) -> int:
            document.rendered("by another thread", lambda: b"more")
            return super().__len__()

    document.rendered("html", lambda: Page(b"page"))
    assert document.size >= len(b"{}") + len(b"page")


def test_many_variants() -> None:
    """Of many variants the newest are remembered."""
    document = Document(Stored(b"{}", '"1"'))
    made: list[int] = []

    def page(number: int) -> Any:
        def render() -> bytes:
            made.append(number)
            return b"page"

        return render

    for number in range(100):
        document.rendered(str(number), page(number))
    document.rendered("99", page(99))
    document.rendered("0", page(0))
    assert made == [*range(100), 0]
