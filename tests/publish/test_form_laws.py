"""Laws that hold for whatever is sent as a form."""

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from distributions import BuiltDistribution, build_wheel
from forms import BOUNDARY, CONTENT_TYPE, Part, encode, parts
from wheelyard.errors import WheelyardError
from wheelyard.publish.form import UploadForm, read_form
from wheelyard.storage.staging import StagedFile

WHEEL = build_wheel("demo", "1.0")
GOOD = encode(parts(WHEEL))

_NAMES = st.sampled_from(
    [
        ":action",
        "protocol_version",
        "name",
        "version",
        "filetype",
        "sha256_digest",
        "content",
        "gpg_signature",
        "attestations",
        "summary",
    ]
)
_PARTS = st.builds(Part, _NAMES, st.binary(max_size=40), st.none() | st.just("demo-1.0.tar.gz"))


def read(body: bytes, sizes: list[int], content_type: str = CONTENT_TYPE) -> UploadForm:
    """The form that arrives in pieces of these sizes, the last one as long as it takes."""
    pieces = []
    for size in sizes:
        pieces.append(body[:size])
        body = body[size:]
    with tempfile.TemporaryDirectory() as folder, StagedFile(Path(folder)) as staged:
        form = read_form(content_type, [*pieces, body], staged, 10_000)
        assert form.path.read_bytes() == WHEEL.content or form.size < 10_000
        assert hashlib.sha256(form.path.read_bytes()).hexdigest() == form.digests.sha256
        return form._replace(path=Path())


def refused(reading: Callable[[], UploadForm]) -> None:
    """Read; where that is refused, the reason is of a bearable length."""
    try:
        reading()
    except WheelyardError as error:
        reason = str(error)
    else:
        return
    assert 0 < len(reason) < 2000


@given(st.lists(st.integers(0, 200), max_size=30))
def test_pieces_do_not_matter(sizes: list[int]) -> None:
    """A form is read alike, however the connection cuts it into pieces."""
    assert read(GOOD, sizes) == read(GOOD, [])


@given(st.binary(max_size=300), st.integers(0, len(GOOD)), st.integers(0, 200))
def test_damage(noise: bytes, place: int, lost: int) -> None:
    """A damaged form is read, or refused by an error that says why; nothing else happens."""
    refused(lambda: read(GOOD[:place] + noise + GOOD[place + lost :], []))


@given(st.lists(_PARTS, max_size=20))
def test_any_parts(sent: list[Part]) -> None:
    """Parts in any number and order are a form, or are refused by an error that says why."""
    refused(lambda: read(encode(sent), []))


@given(st.text(max_size=200))
def test_any_content_type(content_type: str) -> None:
    """Any Content-Type is understood, or refused by an error that says why."""
    refused(lambda: read(GOOD, [], content_type))


@settings(max_examples=30)
@given(st.binary(max_size=5000).filter(lambda content: f"--{BOUNDARY}".encode() not in content))
def test_any_content(content: bytes) -> None:
    """Whatever a file's bytes are, they arrive as they were, with true digests."""
    built = BuiltDistribution(WHEEL.filename, content)
    form = read(encode(parts(built)), [7, 1000])
    assert (form.size, form.digests.sha256) == (len(content), built.sha256)
    assert form.digests.md5 == hashlib.md5(content, usedforsecurity=False).hexdigest()
