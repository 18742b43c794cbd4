"""Reading a project's page in HTML (PEP 503, 592, 629, 658, 714, 740, 792).

Pages are read as they are written in the world: with or without ``<html>``, with relative or absolute
links, with ``<base>``, in upper case, with attributes in any order. What is in doubt is left out.
"""

import re
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from wheelyard.errors import InvalidDocument
from wheelyard.protocol.model import STATUSES, File, Project
from wheelyard.protocol.names import ProjectName

_ENDINGS = (".whl", ".tar.gz", ".zip", ".tar.bz2", ".tar.xz", ".tgz", ".egg")
# The public index says a project's serial like this, at the page's end.
_SERIAL = re.compile(r"\s*SERIAL\s+(\d{1,18})\s*")
_CHARSETS = re.compile(
    r"utf-?(8|16)(-?(le|be|sig))?|(us-)?ascii|iso-?8859-\d+|latin-?1|windows-\d+|cp\d+|koi8-[ru]|"
    r"gb(k|2312|18030)|big5|shift_jis|euc-(jp|kr)"
)
_META_CHARSET = re.compile(
    rb"<meta[^>]{1,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_-]{1,40})", re.IGNORECASE
)


class HtmlPage(NamedTuple):
    """What a page says. File URLs stand as they were written, without their fragments.

    ``base``         what the URLs are relative to, where a ``<base>`` says so
    ``api_version``  as announced, None where it is not
    ``serial``       the project's, where the page has it
    """

    project: Project
    base: str | None
    api_version: str | None
    serial: int | None


def parse_project_html(raw: bytes, name: ProjectName, charset: str | None = None) -> HtmlPage:
    """Read the page of the project ``name``; a page in HTML does not reliably say its name.

    ``charset`` is what the content type says. Raises ``InvalidDocument`` for what is no project page: one
    that neither announces an api-version nor has a link to a distribution file, such as a login form.
    """
    reader = _Reader()
    reader.feed(_text(raw, charset))
    reader.close()
    marker = reader.metas.get("pypi:project-status")
    project = Project(
        name=name,
        files=tuple(reader.files),
        status=next((known for known in STATUSES if known == marker), None),
        status_reason=reader.metas.get("pypi:project-status-reason") or None,
    )
    version = reader.metas.get("pypi:repository-version")
    if version is None and not project.files:
        raise InvalidDocument("the page has no link to a distribution file and no api-version")
    return HtmlPage(project, reader.base, version, reader.serial)


def _text(raw: bytes, charset: str | None) -> str:
    if charset is None and (found := _META_CHARSET.search(raw[:1024])):
        charset = found[1].decode()
    charset = (charset or "utf-8").lower()
    # Python knows codecs that are no charsets, such as unicode_escape.
    encoding = charset if _CHARSETS.fullmatch(charset) else "utf-8"
    try:
        return raw.decode(encoding, "replace")
    except LookupError:
        return raw.decode("utf-8", "replace")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.files: list[File] = []
        self.metas: dict[str, str] = {}
        self.base: str | None = None
        self.serial: int | None = None
        self._anchor: dict[str, str] | None = None
        self._label = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # Of an attribute that is given twice, the first counts, as in browsers.
        attributes = {name: value or "" for name, value in reversed(attrs)}
        if tag == "a":
            self._close()
            self._anchor, self._label = attributes, ""
        elif tag == "base" and self.base is None and "href" in attributes:
            self.base = attributes["href"].strip()
        elif tag == "meta" and "name" in attributes:
            self.metas.setdefault(
                attributes["name"].strip().lower(), attributes.get("content", "").strip()
            )

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._close()

    def handle_data(self, data: str) -> None:
        if self._anchor is not None:
            self._label += data

    def handle_comment(self, data: str) -> None:
        if match := _SERIAL.fullmatch(data):
            self.serial = int(match[1])

    def close(self) -> None:
        super().close()
        self._close()

    def _close(self) -> None:
        anchor, self._anchor = self._anchor, None
        file = _file(anchor, self._label.strip()) if anchor else None
        if file is not None:
            self.files.append(file)


def _file(attributes: dict[str, str], label: str) -> File | None:
    href = attributes.get("href", "").strip()
    url, _, fragment = href.partition("#")
    filename = _filename(url, label)
    if filename is None:
        return None
    metadata = attributes.get("data-core-metadata", attributes.get("data-dist-info-metadata"))
    yanked = attributes.get("data-yanked")
    return File(
        filename=filename,
        url=url,
        hashes=_digests(fragment),
        requires_python=attributes.get("data-requires-python", "").strip() or None,
        core_metadata=_core_metadata(metadata),
        upload_time=attributes.get("data-upload-time", "").strip() or None,
        yanked=None if yanked is None else yanked or True,
        gpg_sig={"true": True, "false": False}.get(attributes.get("data-gpg-sig", "").lower()),
        provenance=attributes.get("data-provenance", "").strip() or None,
    )


def _filename(url: str, label: str) -> str | None:
    """The path's last part, as clients take it; the link's text where the path has no filename."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return None
    last = unquote(path.rpartition("/")[2])
    return next((name for name in (last, label) if name.lower().endswith(_ENDINGS)), None)


def _core_metadata(value: str | None) -> bool | dict[str, str] | None:
    if value is None:
        return None
    value = value.strip()
    return value.lower() != "false" and (_digests(value) or True)


def _digests(text: str) -> dict[str, str]:
    """``sha256=…``, and others after ``&``."""
    pairs = (item.partition("=") for item in text.split("&"))
    return {
        name.strip().lower(): digest.strip().lower()
        for name, separator, digest in pairs
        if separator and name.strip() and digest.strip()
    }
