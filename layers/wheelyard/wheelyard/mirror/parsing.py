"""An upstream page, in whichever form it came, as one record."""

from email.message import Message
from typing import Any, NamedTuple
from urllib.parse import urljoin

from wheelyard.errors import InvalidDocument, UpstreamInvalid
from wheelyard.protocol.model import Project
from wheelyard.protocol.names import ProjectName
from wheelyard.protocol.negotiation import HTML, JSON, TEXT
from wheelyard.protocol.simple import load_document, read_project
from wheelyard.protocol.simple_html import parse_project_html

ACCEPT = f"{JSON}, {HTML};q=0.2, {TEXT};q=0.1"

_JSON_TYPES = (JSON, "application/vnd.pypi.simple.latest+json", "application/json")
_HTML_TYPES = (HTML, "application/vnd.pypi.simple.latest+html", TEXT, "application/xhtml+xml")


class ParsedPage(NamedTuple):
    """What upstream says of a project. ``base`` is what its URLs are relative to."""

    project: Project
    base: str
    serial: int | None


def parse_page(raw: bytes, content_type: str, url: str, name: ProjectName) -> ParsedPage:
    """Read the page of ``name`` that came from ``url``. Raises ``UpstreamInvalid``."""
    try:
        found, version = _parse(raw, content_type, url, name)
    except InvalidDocument as error:
        raise UpstreamInvalid(f"upstream's page of {name!r} cannot be used: {error}") from error
    check_api_version(version)
    if found.project.name != name:
        raise UpstreamInvalid(
            f"upstream's page of {name!r} is that of another project, {found.project.name!r}"
        )
    return found


def check_api_version(version: object) -> None:
    """Every 1.x can be read (PEP 629), and a page that says none. Raises ``UpstreamInvalid``."""
    if version is None:
        return
    major, dot, minor = str(version).partition(".")
    if not (major.isdecimal() and dot and minor.isdecimal()):
        raise UpstreamInvalid(f"upstream announces the api-version {version!r:.50}: 1.x is needed")
    # Python reads no number of thousands of digits.
    if major.lstrip("0") != "1":
        raise UpstreamInvalid(
            f"upstream speaks api-version {version!r:.50} of the simple API, and Wheelyard only 1.x: "
            "a newer release of it may be able to"
        )


class _Found(NamedTuple):
    page: ParsedPage
    version: object


def _parse(raw: bytes, content_type: str, url: str, name: ProjectName) -> _Found:
    message = Message()
    message["content-type"] = content_type
    kind = message.get_content_type()
    if kind in _JSON_TYPES:
        return _json(load_document(raw), url)
    if kind in _HTML_TYPES:
        charset = message.get_param("charset")
        page = parse_project_html(raw, name, charset if isinstance(charset, str) else None)
        try:
            base = urljoin(url, page.base or "")
        except ValueError:
            base = url
        return _Found(ParsedPage(page.project, base, page.serial), page.api_version)
    raise InvalidDocument(
        f"its content type is {content_type[:100]!r}, which is no form of the simple API 1.x"
    )


def _json(document: Any, url: str) -> _Found:
    meta = document.get("meta") if isinstance(document, dict) else None
    meta = meta if isinstance(meta, dict) else {}
    version = meta.get("api-version")
    check_api_version(version)  # before the rest, which may look different in another version
    serial = meta.get("_last-serial")
    known = serial if isinstance(serial, int) and not isinstance(serial, bool) else None
    return _Found(ParsedPage(read_project(document), url, known), version)
