"""Reading root listings, as indexes write them and as they must not be."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import ijson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wheelyard.errors import InvalidDocument
from wheelyard.mirror.root import RootReader, read_root, root_reader
from wheelyard.mirror.root_json import JsonReader

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "text/html"


def _chunks(body: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


def _all(reader: RootReader, body: bytes, size: int) -> list[tuple[str, int | None]]:
    return [
        project
        for found in read_root(reader, _chunks(body, size))
        for project in zip(found.names, found.serials, strict=True)
    ]


def _read(body: bytes, content_type: str, size: int = 7) -> list[tuple[str, int | None]]:
    return _all(root_reader(content_type), body, size)


def _page(body: str, head: str = "") -> bytes:
    return f"<!DOCTYPE html><html><head>{head}</head><body>{body}</body></html>".encode()


PROJECTS = st.lists(
    st.tuples(st.text(min_size=1, max_size=12), st.none() | st.integers(0, 2**40)), max_size=8
)


@given(PROJECTS, st.integers(1, 200), st.integers(1, 100), st.booleans())
def test_json_is_read_whatever_the_chunks(
    projects: list[tuple[str, int | None]], size: int, piece: int, meta_last: bool
) -> None:
    """Names and serials are those that the document has, wherever it is cut and in what order."""
    items = [
        {"name": name} if serial is None else {"_last-serial": serial, "name": name}
        for name, serial in projects
    ]
    meta = {"api-version": "1.4", "_last-serial": 99}
    document = {"projects": items, "meta": meta} if meta_last else {"meta": meta, "projects": items}
    body = json.dumps(document, ensure_ascii=size % 2 == 0).encode(errors="replace")
    reader = JsonReader(piece)
    found = _all(reader, body, size)
    items = json.loads(body)["projects"]
    assert found == [(item["name"], item.get("_last-serial")) for item in items]
    assert reader.serial == 99


class _Outcome(NamedTuple):
    """What a reader makes of a body."""

    projects: list[tuple[str, int | None]] | None
    serial: int | None


def _outcome(body: bytes, size: int, piece: int) -> _Outcome:
    reader = JsonReader(piece)
    try:
        return _Outcome(_all(reader, body, size), reader.serial)
    except InvalidDocument:
        return _Outcome(None, None)


_PLAIN = [
    '{"name":"a"}',
    '{"_last-serial":7,"name":"Bc.d"}',
    '{"name": "e_f", "_last-serial": null}',
    '{ "name" : "spaced" ,"_last-serial":-1 }',
    '{"name":"na\u00efve"}',
]
_ODD = [
    '{"name":"a","name":null}',
    '{"name":"a","name" :"b"}',
    '{"_last-serial":1,"name":"a","_last-serial":"2"}',
    '{"na\\u006de":"escaped"}',
    '{"name":"\\ud800"}',
    '{"name":"a:b"}',
    '{"name":"},{"}',
    '{"name":"a},{","x":"},{"}',
    '{"name":"a","x":{"name":"no"}}',
    '{"name":"a","x":[{"y":1},{"name":"no"}]}',
    '{"name":"a","x":[1,[2]]}',
    '{"_last-serial":true,"name":"a"}',
    '{"_last-serial":1.0,"name":"a"}',
    '{"_last-serial":1e2,"name":"a"}',
    '{"_last-serial":12345678901234567890123,"name":"a"}',
    '{"_last-serial":01,"name":"a"}',
    '{"_last-serial":' + "9" * 5000 + ',"name":"a"}',
    '{"_last-serial":1e99999999999999999999,"name":"a"}',
    '{"_last-serial":NaN,"name":"a"}',
    '{"_last-serial":-Infinity,"name":"a"}',
    '{"name":7}',
    '{"name":null}',
    '{"title":"no name"}',
    "{}",
    "null",
    '"text"',
    '"},{"',
    "[]",
    '["name","x"]',
    '["},{"]',
    "7",
    '{"name":"a"',
    '"name":"a"}',
    '{"name":"a"},',
    '{"name":"a"}\x0b',
    '{"name":"a"}{"name":"b"}',
    '{"name":"a"}]',
    '{"name":"a\tb"}',
    '{"name":"\udcff"}',
    '{"name":"a"}],"projects":[{"name":"again"}',
    '{"name":"a"}],"more":[{"name":"no"}',
    '{"name":"a","x":' + "[" * 60 + "]" * 60 + "}",
]
_ITEMS = st.lists(st.one_of(*[st.sampled_from(_PLAIN)] * 5, st.sampled_from(_ODD)), max_size=12)
_COMMAS = st.sampled_from([",", ", ", ",\n  ", " ,"])
_BEFORE = st.sampled_from(
    [
        *['{"meta":{"_last-serial":9,"api-version":"1.4"},"projects":['] * 8,
        '{"projects":[',
        '{"x":[{"name":"no"},{"name":"no"}],"projects":[',
        '{"meta":{"api-version":"2.0"},"projects":[',
        '{"x":"[{","projects": [ ',
        "[",
        '\ufeff{"projects":[',
    ]
)
_AFTER = st.sampled_from(
    [
        *["]}"] * 10,
        "]} \n",
        '],"meta":{"_last-serial":9,"x":{"_last-serial":8},"api-version":"1.0"}}',
        '],"x":[{"name":"no"},{"name":"no"},{"name":"no"}]}',
        "]",
        "",
        "]} {",
        ",]}",
    ]
)


@settings(max_examples=400)
@given(_BEFORE, st.lists(_COMMAS, min_size=12, max_size=12), _ITEMS, _AFTER, st.integers(1, 400))
def test_a_piece_read_apart_changes_nothing(
    before: str, commas: list[str], items: list[str], after: str, size: int
) -> None:
    """Whatever the document, and wherever it is cut: the pieces are read as yajl alone reads the whole."""
    text = before + "".join(map("".join, zip(items, commas, strict=False)))
    body = (text.removesuffix(",") + after).encode(errors="surrogateescape")
    everything_at_once = _outcome(body, len(body) or 1, 1 << 40)
    for piece in (1, 20, 70):
        assert _outcome(body, size, piece) == everything_at_once


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_plain_projects_are_not_left_to_yajl(
    monkeypatch: pytest.MonkeyPatch, separators: tuple[str, str]
) -> None:
    """Of a listing as indexes write it, yajl gets less than a tenth."""
    fed: list[int] = []

    class Counting:
        def __init__(self, parser: Any) -> None:
            self.close = parser.close
            self._send = parser.send

        def send(self, text: bytes) -> None:
            fed.append(len(text))
            self._send(text)

    parse = ijson.basic_parse_coro
    monkeypatch.setattr(ijson, "basic_parse_coro", lambda events: Counting(parse(events)))
    items = [{"_last-serial": number, "name": f"project-{number}"} for number in range(1000)]
    body = json.dumps({"meta": {}, "projects": items}, separators=separators).encode()
    assert len(_all(JsonReader(500), body, 700)) == 1000
    assert 0 < sum(fed) < len(body) / 10


@pytest.mark.parametrize(
    "document",
    [
        {"projects": [{"name": "a", "x": {"name": "no", "_last-serial": 5}, "y": ["no"]}]},
        {"projects": [{"name": "a"}], "other": [{"name": "no"}], "more": {"projects": [{}]}},
        {"other": {"projects": [{"name": "no"}]}, "projects": [{"name": "a"}]},
        {"projects": [{"name": "a", "_last-serial": "7"}]},
        {"projects": [{"name": "a", "_last-serial": None}], "meta": {"x": {"api-version": "2.0"}}},
    ],
)
def test_only_what_stands_in_its_place_counts(document: object) -> None:
    """Keys of the same name elsewhere in the document, and values of other types, mean nothing."""
    assert _read(json.dumps(document).encode(), JSON) == [("a", None)]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"projects": {"a": {"name": "a"}}}',
        b'{"projects": [{"title": "a"}]}',
        b'{"projects": [{"name": "a"}]',
        b'{"projects": [{"name": "a"',
        b'{"projects": []} trailing',
        b"<html></html>",
        b'{"meta": {"api-version": "2.0"}, "projects": []}',
        pytest.param(b'{"projects": [{"name": "a", "x": ' + b"9" * 5000 + b"}]}", id="digits"),
        pytest.param(b'{"projects": [{"name": "a", "x": 1e' + b"9" * 50 + b"}]}", id="exponent"),
    ],
)
def test_json_that_is_no_listing_is_refused(body: bytes) -> None:
    """A document that is cut off, of another form, of a version to come, of endless numbers is an error."""
    with pytest.raises(InvalidDocument):
        _read(body, JSON)


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ('<a href="/simple/a/">A</a><br/><a href="b/">b</a>', ["A", "b"]),
        ("<A HREF='x/'>\n  spaced.name\n</A>", ["spaced.name"]),
        ('<a class="x" data-x="a>b" href="x/"><b>nes</b>ted</a>', ["nested"]),
        ('<!-- <a href="no/">no</a> --><a href="yes/">yes</a>', ["yes"]),
        ('<script>"<a href=no>no</a>"</script><a href="yes/">yes</a>', ["yes"]),
        ('<a href="https://upstream.example/simple/by-link/?x#y"></a>', ["by-link"]),
        ('<a href="a%2Db/"></a>', ["a-b"]),
        ("<a href='a/'>a&amp;b</a>", ["a&b"]),
        ("<a href='a/'>a", ["a"]),
    ],
)
def test_html_is_read_as_a_browser_reads_it(body: str, names: list[str]) -> None:
    """Links are found in whatever HTML an index writes, in any chunks; others are none."""
    for size in (1, 3, 1000):
        assert _read(_page(body), HTML, size) == [(name, None) for name in names]


@pytest.mark.parametrize("charset", ["utf-8", '"UTF-8"', "iso-8859-1"])
def test_a_charset_parameter_is_obeyed(charset: str) -> None:
    """The content type may say the charset, in quotes or not."""
    body = _page('<a href="x/">na\u00efve</a>').decode().encode(charset.strip('"'))
    assert _read(body, f"text/html; Charset={charset}") == [("na\u00efve", None)]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", HTML),
        (_page("Please log in"), HTML),
        (_page('<a href="a/">a</a>')[:-9], HTML),
        (_page("", '<meta name="pypi:repository-version" content="2.0">'), HTML),
        (_page('<a href="a/">a</a>'), "text/html; charset=nonsense"),
        (b"a\nb\n", "text/plain"),
        (b"a\nb\n", ""),
        (b"{}", "application/vnd.pypi.simple.v2+json"),
    ],
    ids=["empty", "no index", "cut off", "version", "charset", "text", "untyped", "v2"],
)
def test_what_is_no_listing_is_refused(body: bytes, content_type: str) -> None:
    """A page without links, a cut one, and other types are errors and never an empty listing."""
    with pytest.raises(InvalidDocument):
        _read(body, content_type, 1000)


def test_an_index_that_says_it_is_one_may_be_empty() -> None:
    """Where the page declares its version, no link means no project."""
    assert _read(_page("", '<meta name="pypi:repository-version" content="1.0">'), HTML) == []
    assert _read(b'{"projects": []}', JSON) == []


def test_comments_after_the_end_do_not_matter() -> None:
    """Some indexes write the serial behind the document."""
    body = _page('<a href="a/">a</a>') + b"\n<!--SERIAL 123-->"
    assert _read(body, HTML) == [("a", None)]
