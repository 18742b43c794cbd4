"""Project pages in HTML, as they are found in the world."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelyard.errors import InvalidDocument
from wheelyard.protocol.model import STATUSES, File, Project
from wheelyard.protocol.names import project_name
from wheelyard.protocol.simple import project_html
from wheelyard.protocol.simple_html import HtmlPage, parse_project_html

NAME = project_name("demo")
FILENAME = "demo-1.0-py3-none-any.whl"
DIGEST = "ab" * 32


def parsed(html: str, charset: str | None = None, encoding: str = "utf-8") -> HtmlPage:
    """The page."""
    return parse_project_html(html.encode(encoding), NAME, charset)


def only(html: str) -> File:
    """The page's one file."""
    (file,) = parsed(html).project.files
    return file


@pytest.mark.parametrize(
    ("anchor", "expected"),
    [
        (f'<a href="{FILENAME}">{FILENAME}</a>', File(FILENAME, FILENAME, {})),
        (f"<A HREF='{FILENAME}'>x</A>", File(FILENAME, FILENAME, {})),
        (f"<a href={FILENAME}>x", File(FILENAME, FILENAME, {})),
        (f'<a href=" {FILENAME} ">x</a>', File(FILENAME, FILENAME, {})),
        (
            f'<a href="../../f/{FILENAME}#sha256={DIGEST.upper()}">x</a>',
            File(FILENAME, f"../../f/{FILENAME}", {"sha256": DIGEST}),
        ),
        (
            f'<a href="{FILENAME}#sha256={DIGEST}&amp;md5={"0" * 32}">x</a>',
            File(FILENAME, FILENAME, {"sha256": DIGEST, "md5": "0" * 32}),
        ),
        (f'<a href="{FILENAME}#egg=demo">x</a>', File(FILENAME, FILENAME, {"egg": "demo"})),
        (
            f'<a href="https://f.example/{FILENAME}?token=1#sha256={DIGEST}">x</a>',
            File(FILENAME, f"https://f.example/{FILENAME}?token=1", {"sha256": DIGEST}),
        ),
        (
            '<a href="demo-1.0%2Blocal.tar.gz">x</a>',
            File("demo-1.0+local.tar.gz", "demo-1.0%2Blocal.tar.gz", {}),
        ),
        (f'<a href="/download?id=7"> {FILENAME}\n</a>', File(FILENAME, "/download?id=7", {})),
        (
            f'<a href="{FILENAME}" data-requires-python="&gt;=3.9, &lt;4">x</a>',
            File(FILENAME, FILENAME, {}, requires_python=">=3.9, <4"),
        ),
        (
            f'<a href="{FILENAME}" data-dist-info-metadata="sha256={DIGEST}">x</a>',
            File(FILENAME, FILENAME, {}, core_metadata={"sha256": DIGEST}),
        ),
        (
            f'<a href="{FILENAME}" data-core-metadata="true" data-dist-info-metadata="false">x</a>',
            File(FILENAME, FILENAME, {}, core_metadata=True),
        ),
        (
            f'<a href="{FILENAME}" data-core-metadata="false">x</a>',
            File(FILENAME, FILENAME, {}, core_metadata=False),
        ),
        (
            f'<a href="{FILENAME}" data-core-metadata>x</a>',
            File(FILENAME, FILENAME, {}, core_metadata=True),
        ),
        (f'<a href="{FILENAME}" data-yanked>x</a>', File(FILENAME, FILENAME, {}, yanked=True)),
        (f'<a href="{FILENAME}" data-yanked="">x</a>', File(FILENAME, FILENAME, {}, yanked=True)),
        (
            f'<a href="{FILENAME}" data-yanked="broken &amp; bad">x</a>',
            File(FILENAME, FILENAME, {}, yanked="broken & bad"),
        ),
        (
            f'<a href="{FILENAME}" data-gpg-sig="TRUE">x</a>',
            File(FILENAME, FILENAME, {}, gpg_sig=True),
        ),
        (
            f'<a href="{FILENAME}" data-upload-time="2026-01-02T03:04:05Z">x</a>',
            File(FILENAME, FILENAME, {}, upload_time="2026-01-02T03:04:05Z"),
        ),
        (
            f'<a href="{FILENAME}" data-provenance="https://a.example/p">x</a>',
            File(FILENAME, FILENAME, {}, provenance="https://a.example/p"),
        ),
        (f'<a href="{FILENAME}" href="other.whl">x</a>', File(FILENAME, FILENAME, {})),
        (f'<a href="{FILENAME}"><b>x</b></a>', File(FILENAME, FILENAME, {})),
    ],
    ids=lambda value: value[:60] if isinstance(value, str) else "",
)
def test_anchors(anchor: str, expected: File) -> None:
    """Every way to write a link and its attributes is read as clients read it."""
    assert only(anchor) == expected


@pytest.mark.parametrize(
    "link",
    [
        '<a href="../">up</a>',
        "<a>demo</a>",
        '<a href="http://[broken">x</a>',
        '<a href="https://example/demo">homepage</a>',
        '<!-- <a href="demo-2.0.tar.gz">x</a> -->',
        '<script><a href="demo-2.0.tar.gz">x</a></script>',
    ],
)
def test_other_links_are_passed_over(link: str) -> None:
    """What is no link to a distribution file is not one."""
    assert only(f'<html><body>{link}<a href="{FILENAME}">x</a></body></html>').filename == FILENAME


def test_links_that_are_not_closed() -> None:
    """A link ends where the next one begins."""
    page = parsed('<a href="demo-1.0.tar.gz">demo-1.0.tar.gz<a href="demo-2.0.tar.gz">x')
    assert [file.filename for file in page.project.files] == ["demo-1.0.tar.gz", "demo-2.0.tar.gz"]


def test_the_head() -> None:
    """Base, api-version, project status and serial are read."""
    page = parsed(
        '<META NAME="pypi:repository-version" CONTENT="1.4">'
        '<meta name="pypi:project-status" content="archived">'
        '<meta name="pypi:project-status-reason" content="a &amp; b">'
        '<base href="/files/"><base href="/other/"><!--SERIAL 42-->'
    )
    assert page == HtmlPage(Project(NAME, (), None, "archived", "a & b"), "/files/", "1.4", 42)


@pytest.mark.parametrize("html", ["", "<html></html>", '<a href="/login">log in</a>', "\0\0", "{}"])
def test_no_project_page(html: str) -> None:
    """A page without files that does not say it is a project page is none: it may be a login form."""
    with pytest.raises(InvalidDocument):
        parsed(html)


@pytest.mark.parametrize(
    ("charset", "encoding", "meta"),
    [
        ("UTF-8", "utf-8", ""),
        ("iso-8859-1", "latin-1", ""),
        (None, "latin-1", "<meta charset='ISO-8859-1'>"),
        (None, "utf-8", '<meta http-equiv="content-type" content="text/html; charset=utf-8">'),
        ("utf-16", "utf-16", ""),
        ("unicode_escape", "utf-8", ""),
        ("zlib_codec", "utf-8", ""),
        ("nonsense", "utf-8", ""),
        ("cp99999", "utf-8", ""),
    ],
)
def test_charsets(charset: str | None, encoding: str, meta: str) -> None:
    """The charset is the content type's, or the page's own; what is no charset is taken for UTF-8."""
    html = f'{meta}<a href="{FILENAME}" data-yanked="größer">x</a>'
    (file,) = parsed(html, charset, encoding).project.files
    assert file.yanked == "größer"


# What an HTML page can say: names and one digest, no control characters, no white space at the ends.
_TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1
)
_FILES = st.builds(
    File,
    filename=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,20}\.(whl|tar\.gz|zip)", fullmatch=True),
    url=st.just("x.whl"),
    hashes=st.sampled_from([{}, {"sha256": DIGEST}]),
    requires_python=st.none() | _TEXT,
    size=st.none(),
    upload_time=st.none(),
    core_metadata=st.sampled_from([None, True, {"sha256": DIGEST}]),
    yanked=st.none() | st.just(True) | _TEXT,
    gpg_sig=st.none() | st.booleans(),
    provenance=st.none() | st.just("https://a.example/p?a=1&b=2"),
).map(lambda file: file._replace(url=file.filename))


@given(
    st.builds(
        Project,
        name=st.just(NAME),
        files=st.lists(_FILES, max_size=5).map(tuple),
        versions=st.none(),  # JSON only, as sizes and times are
        status=st.none() | st.sampled_from([s for s in STATUSES if s != "quarantined"]),
        status_reason=st.none(),
    ),
    st.none() | _TEXT,
)
def test_round_trip(project: Project, reason: str | None) -> None:
    """What this index writes, it reads back."""
    project = project._replace(status_reason=reason if project.status else None)
    assert parse_project_html(project_html(project), NAME).project == project


@given(st.binary() | st.text(alphabet='<>a/="#&!- href\n\t').map(str.encode))
def test_anything(raw: bytes) -> None:
    """Whatever the bytes, there is a page or an InvalidDocument."""
    try:
        page = parse_project_html(raw, NAME)
    except InvalidDocument:
        return
    assert page.project.name == NAME
