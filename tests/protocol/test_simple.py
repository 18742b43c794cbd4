"""The simple API's documents."""

import json
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelyard.errors import InvalidDocument
from wheelyard.protocol.model import STATUSES, File, Project
from wheelyard.protocol.names import ProjectName
from wheelyard.protocol.simple import (
    parse_project,
    project_html,
    project_json,
    root_html,
    root_json,
)

DIGEST = "0" * 64
FILE = File("foo-1.0-py3-none-any.whl", "foo-1.0-py3-none-any.whl", {"sha256": DIGEST})
TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)
FILES = st.builds(
    File,
    filename=st.from_regex(r"[a-z0-9_]{1,8}-[0-9]\.[0-9](\+[a-z]{1,3})?\.tar\.gz", fullmatch=True),
    url=st.from_regex(r"(https://files\.example/)?[a-z0-9_./+-]{1,20}", fullmatch=True),
    hashes=st.dictionaries(
        st.sampled_from(["sha256", "md5"]), st.from_regex(r"[0-9a-f]{64}", fullmatch=True)
    ),
    requires_python=st.none() | TEXT,
    core_metadata=st.none() | st.booleans() | st.just({"sha256": DIGEST}),
    size=st.none() | st.integers(0, 10**12),
    upload_time=st.none() | st.just("2026-11-22T10:00:00.123456Z"),
    yanked=st.none() | st.booleans() | TEXT,
    gpg_sig=st.none() | st.booleans(),
    provenance=st.none() | st.just("https://index.example/simple/foo/foo.provenance"),
)
PROJECTS = st.builds(
    Project,
    name=st.just(ProjectName("foo")),
    files=st.lists(FILES, max_size=4).map(tuple),
    versions=st.none() | st.lists(TEXT, max_size=3).map(tuple),
    status=st.none() | st.sampled_from(STATUSES),
    status_reason=st.none(),
)


class Anchors(HTMLParser):
    """The links and meta elements of a page, as a client reads them."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.anchors: list[dict[str, str | None]] = []
        self.texts: list[str] = []
        self.meta: dict[str | None, str | None] = {}
        self._inside = False
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "a":
            self.anchors.append(attributes)
            self._inside = True
        if tag == "meta" and "name" in attributes:
            self.meta[attributes["name"]] = attributes["content"]

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "a"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts.append(data)


@given(PROJECTS)
def test_a_document_reads_back(project: Project) -> None:
    """What is written is read back the same."""
    assert parse_project(project_json(project)) == project


@given(PROJECTS)
def test_no_key_is_null(project: Project) -> None:
    """What is not known is left out: clients stop at null."""

    def refuse(value: object) -> object:
        assert value is not None
        return value

    document = json.loads(project_json(project))
    for item in (document, *document["files"]):
        for value in item.values():
            refuse(value)


def test_a_full_file() -> None:
    """Every key has the name and the form that the specification gives it."""
    file = FILE._replace(
        requires_python=">=3.9",
        core_metadata={"sha256": DIGEST},
        size=12,
        upload_time="2026-11-22T10:00:00.000001Z",
        yanked="broken",
        gpg_sig=True,
        provenance="https://index.example/p",
    )
    project = Project(ProjectName("foo"), (file,), ("1.0",), "archived", "moved")
    assert json.loads(project_json(project)) == {
        "meta": {"api-version": "1.4"},
        "name": "foo",
        "project-status": {"status": "archived", "reason": "moved"},
        "versions": ["1.0"],
        "files": [
            {
                "filename": FILE.filename,
                "url": FILE.url,
                "hashes": {"sha256": DIGEST},
                "requires-python": ">=3.9",
                "core-metadata": {"sha256": DIGEST},
                "dist-info-metadata": {"sha256": DIGEST},
                "size": 12,
                "upload-time": "2026-11-22T10:00:00.000001Z",
                "yanked": "broken",
                "gpg-sig": True,
                "provenance": "https://index.example/p",
            }
        ],
    }


def test_a_file_without_size_makes_the_page_version_1_0() -> None:
    """Version 1.1 made sizes mandatory, so a page that lacks one does not claim it."""
    assert json.loads(project_json(Project(ProjectName("foo"), (FILE,))))["meta"] == {
        "api-version": "1.0"
    }


def test_a_full_page() -> None:
    """Every attribute of a link is the one that clients look for, escaped."""
    file = FILE._replace(
        requires_python='>=3.9,<"4"',
        core_metadata={"sha256": DIGEST},
        yanked="broken & <bad>",
        gpg_sig=False,
        provenance="https://index.example/p",
    )
    page = Anchors(project_html(Project(ProjectName("foo"), (file,), None, "deprecated", "a & b")))
    assert page.texts == [FILE.filename]
    assert page.anchors == [
        {
            "href": f"{FILE.url}#sha256={DIGEST}",
            "data-requires-python": '>=3.9,<"4"',
            "data-core-metadata": f"sha256={DIGEST}",
            "data-dist-info-metadata": f"sha256={DIGEST}",
            "data-yanked": "broken & <bad>",
            "data-gpg-sig": "false",
            "data-provenance": "https://index.example/p",
        }
    ]
    assert page.meta == {
        "pypi:repository-version": "1.4",
        "pypi:project-status": "deprecated",
        "pypi:project-status-reason": "a & b",
    }


@pytest.mark.parametrize(
    ("change", "attribute", "expected"),
    [
        ({"core_metadata": True}, "data-core-metadata", "true"),
        ({"core_metadata": False}, "data-core-metadata", None),
        ({"yanked": True}, "data-yanked", ""),
        ({"yanked": False}, "data-yanked", None),
        ({"provenance": "http://index.example/p"}, "data-provenance", None),
        ({"hashes": {}}, "href", FILE.url),
        ({"hashes": {"md5": "ab", "sha512": "cd"}}, "href", f"{FILE.url}#sha512=cd"),
        ({"hashes": {"md5": "ab"}}, "href", f"{FILE.url}#md5=ab"),
    ],
)
def test_optional_attributes(
    change: dict[str, object], attribute: str, expected: str | None
) -> None:
    """An attribute is there exactly when there is something to say."""
    file = FILE._replace(**change)  # type: ignore[arg-type]
    page = Anchors(project_html(Project(ProjectName("foo"), (file,))))
    assert page.anchors[0].get(attribute) == expected


def test_quarantined_projects_offer_nothing() -> None:
    """A quarantined project's page has no link."""
    project = Project(ProjectName("foo"), (FILE,), ("1.0",), "quarantined")
    assert Anchors(project_html(project)).anchors == []


def test_the_root_listing() -> None:
    """Both forms name every project, with links that hold under any path."""
    assert json.loads(root_json(["a", "b-c"])) == {
        "meta": {"api-version": "1.4"},
        "projects": [{"name": "a"}, {"name": "b-c"}],
    }
    page = Anchors(root_html(["a", "b-c"]))
    assert [(a["href"], text) for a, text in zip(page.anchors, page.texts, strict=True)] == [
        ("a/", "a"),
        ("b-c/", "b-c"),
    ]


def test_only_the_required_keys_must_be_there() -> None:
    """A document with no more than the specification requires is read."""
    raw = b'{"meta":{"api-version":"1.0"},"name":"Foo","files":[{"filename":"f","url":"u","hashes":{}}]}'
    assert parse_project(raw) == Project(ProjectName("foo"), (File("f", "u", {}),))


def test_old_spellings_are_read() -> None:
    """The metadata key of PEP 714's predecessor, and a plain status, are understood."""
    raw = (
        b'{"name":"foo","project-status":"archived","files":'
        b'[{"filename":"f","url":"u","hashes":{"SHA256":"AB"},"dist-info-metadata":true,"yanked":""}]}'
    )
    project = parse_project(raw)
    assert project.status == "archived"
    assert project.files[0].core_metadata is True
    assert project.files[0].hashes == {"sha256": "ab"}


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"not json",
        b"\xff",
        b"[]",
        b"{}",
        b'{"name":"foo"}',
        b'{"name":1,"files":[]}',
        b'{"name":"not a name","files":[]}',
        b'{"name":"foo","files":[{}]}',
        b'{"name":"foo","files":[{"filename":"f","url":"u"}]}',
        b'{"name":"foo","files":[{"filename":"f","url":"u","hashes":[]}]}',
        b'{"name":"foo","files":[{"filename":"f","url":1,"hashes":{}}]}',
        b'{"name":"foo","files":[],"versions":[1]}',
    ],
)
def test_what_is_no_document_is_refused(raw: bytes) -> None:
    """A document without the form of a project is an error of its own, not a crash."""
    with pytest.raises(InvalidDocument):
        parse_project(raw)
