"""Whatever upstream sends becomes a page that clients can read, or an ``UpstreamInvalid``."""

import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from wheelyard.errors import UpstreamInvalid
from wheelyard.mirror.parsing import parse_page
from wheelyard.mirror.rewriting import rewrite
from wheelyard.protocol.names import project_name
from wheelyard.protocol.simple import parse_project, project_html, project_json

NAME = project_name("demo")
URL = "https://upstream.example/simple/demo/"
JSON = "application/vnd.pypi.simple.v1+json"

_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["\ud800", "\0", "demo-1.0.tar.gz", "a" * 64, "2026-01-02T03:04:05Z"])
)
_ANYTHING = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)


def mostly(good: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Good values, and now and then anything at all."""
    return st.integers(0, 9).flatmap(lambda number: good if number else _ANYTHING)


_DIGESTS = st.dictionaries(
    mostly(st.sampled_from(["sha256", "md5", "SHA512"])).map(str),
    mostly(st.sampled_from(["ab" * 32, "ab" * 16, "short"])),
    max_size=2,
)
_FILENAMES = st.sampled_from(
    ["demo-1.0-py3-none-any.whl", "demo-2.0.tar.gz", "demo-1.0.exe", "../x.whl", "other-1.0.zip"]
)
_URLS = st.sampled_from(
    ["x.whl", "../../f/x.whl#sha256=1", "//h/x", "http://[", "ftp://x/y", "https://u:p@h/x?y=z"]
)
_FILES = st.fixed_dictionaries(
    {"filename": mostly(_FILENAMES), "url": mostly(_URLS), "hashes": mostly(_DIGESTS)},
    optional={
        "requires-python": mostly(st.sampled_from([">=3.9", ">=3\n"])),
        "core-metadata": mostly(st.booleans() | _DIGESTS),
        "size": mostly(st.integers(-1, 10**18)),
        "upload-time": mostly(
            st.sampled_from(["2026-01-02T03:04:05Z", "0001-01-01T00:00:00+14:00"])
        ),
        "yanked": mostly(st.booleans() | st.text(max_size=9)),
        "gpg-sig": mostly(st.booleans()),
        "provenance": mostly(_URLS),
    },
)
_DOCUMENTS = st.fixed_dictionaries(
    {
        "meta": mostly(st.fixed_dictionaries({"api-version": st.sampled_from(["1.0", "1.4"])})),
        "name": mostly(st.sampled_from(["demo", "Demo", "other"])),
        "files": mostly(st.lists(mostly(_FILES), max_size=4)),
    },
    optional={
        "versions": mostly(st.lists(mostly(st.sampled_from(["1.0", "2.0"])), max_size=3)),
        "project-status": mostly(
            st.fixed_dictionaries(
                {"status": mostly(st.sampled_from(["active", "quarantined", "new"]))},
                optional={"reason": mostly(st.text(max_size=9))},
            )
        ),
    },
)


@given(_DOCUMENTS)
def test_documents(document: Any) -> None:
    """A hostile document, type by type and value by value."""
    _check(json.dumps(document).encode(), JSON)


@given(st.binary(max_size=200), st.sampled_from([JSON, "text/html", "text/html; charset=x", ""]))
def test_bytes(raw: bytes, content_type: str) -> None:
    """Bytes of no form at all."""
    _check(raw, content_type)


def _check(raw: bytes, content_type: str) -> None:
    try:
        page = parse_page(raw, content_type, URL, NAME)
    except UpstreamInvalid:
        return
    found = rewrite(page, lambda _, said: said)
    project_html(found.project)
    served = parse_project(project_json(found.project))
    assert served.name == NAME
    assert {file.filename for file in served.files} == set(found.files)
    for file in served.files:
        assert re.fullmatch(r"demo-[0-9.]+(-py3-none-any\.whl|\.tar\.gz)", file.filename)
        assert file.url == file.filename
        assert all(re.fullmatch(r"[0-9a-f]{32,128}", digest) for digest in file.hashes.values())
        assert file.size is None or file.size >= 0
        assert file.upload_time is None or file.upload_time.endswith("Z")
        source = found.files[file.filename].url
        assert source.startswith(("http://", "https://"))
        assert "@" not in source
