"""The simple repository API's documents: writing JSON and HTML, and reading JSON.

Documents that somebody else wrote are read leniently where the specification leaves keys out, and
strictly where a wrong type would reach a client.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from wheelyard.errors import InvalidDocument, InvalidName
from wheelyard.protocol.model import STATUSES, File, Project
from wheelyard.protocol.names import project_name

API_VERSION = "1.4"
# Version 1.1 made sizes mandatory (PEP 700): a page with a file of unknown size is of version 1.0.
_API_VERSION_WITHOUT_SIZES = "1.0"


def project_json(project: Project) -> bytes:
    """A project's document (PEP 691, 700, 714, 740, 792), deterministic for a given project."""
    sized = all(file.size is not None for file in project.offered)
    document: dict[str, Any] = {
        "meta": {"api-version": API_VERSION if sized else _API_VERSION_WITHOUT_SIZES},
        "name": project.name,
    }
    if project.status is not None:
        reason = {"reason": project.status_reason} if project.status_reason else {}
        document["project-status"] = {"status": project.status, **reason}
    if project.versions is not None:
        document["versions"] = list(project.versions)
    document["files"] = [_file_document(file) for file in project.files]
    return _dump(document)


def _file_document(file: File) -> dict[str, Any]:
    optional = {
        "requires-python": file.requires_python,
        "core-metadata": file.core_metadata,
        "dist-info-metadata": file.core_metadata,
        "size": file.size,
        "upload-time": file.upload_time,
        "yanked": file.yanked,
        "gpg-sig": file.gpg_sig,
        "provenance": file.provenance,
    }
    present = {key: value for key, value in optional.items() if value is not None}
    return {"filename": file.filename, "url": file.url, "hashes": dict(file.hashes), **present}


def root_json(names: Iterable[str]) -> bytes:
    """The root listing (PEP 691, "Project List").

    The names are normalised, so there is nothing in them to escape, and a listing of a million need not
    become a million dictionaries first.
    """
    projects = '"},{"name":"'.join(names)
    return b'{"meta":{"api-version":"%b"},"projects":[%b]}' % (
        API_VERSION.encode(),
        f'{{"name":"{projects}"}}'.encode() if projects else b"",
    )


def _dump(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


# --- HTML (PEP 503, 592, 629, 658, 714, 740, 792) ---


def project_html(project: Project, links: str = "") -> bytes:
    """A project's page. ``links`` is put before every relative file URL."""
    # Only a page of HTML needs it, and a cold start that serves JSON should not pay its 5 ms.
    from html import escape

    meta = []
    if project.status is not None:
        meta.append(f'<meta name="pypi:project-status" content="{project.status}">')
        if project.status_reason:
            reason = escape(project.status_reason)
            meta.append(f'<meta name="pypi:project-status-reason" content="{reason}">')
    anchors = []
    for file in project.offered:
        url = file.url if "://" in file.url else links + file.url
        attributes = "".join(
            f' {name}="{escape(value)}"' for name, value in _attributes(file, url).items()
        )
        anchors.append(f"<a{attributes}>{escape(file.filename)}</a><br>")
    return _page(
        f"Links for {project.name}", meta, [f"<h1>Links for {project.name}</h1>", *anchors]
    )


def _attributes(file: File, url: str) -> dict[str, str]:
    attributes = {"href": url + _fragment(file.hashes)}
    if file.requires_python is not None:
        attributes["data-requires-python"] = file.requires_python
    if file.core_metadata:
        value = "true"
        if isinstance(file.core_metadata, Mapping):
            value = _fragment(file.core_metadata).lstrip("#") or "true"
        attributes["data-core-metadata"] = attributes["data-dist-info-metadata"] = value
    if file.yanked is not None and file.yanked is not False:
        attributes["data-yanked"] = "" if file.yanked is True else file.yanked
    if file.gpg_sig is not None:
        attributes["data-gpg-sig"] = "true" if file.gpg_sig else "false"
    if file.provenance is not None and file.provenance.startswith("https://"):
        attributes["data-provenance"] = file.provenance
    return attributes


def _fragment(hashes: Mapping[str, str]) -> str:
    """The one digest that an HTML page can carry: the strongest that every client knows."""
    for name in ("sha256", "sha512", "sha384"):
        if name in hashes:
            return f"#{name}={hashes[name]}"
    return next((f"#{name}={digest}" for name, digest in hashes.items()), "")


def root_html(names: Iterable[str], links: str = "") -> bytes:
    """The root listing's page (PEP 503), ``links`` before every link.

    The names are normalised, so there is nothing in them to escape.
    """
    links_of_all = "\n".join([f'<a href="{links}{name}/">{name}</a><br>' for name in names])
    return _page("Simple index", [], [links_of_all] if links_of_all else [])


def with_base(page: bytes, base: str) -> bytes:
    """A page whose relative links hold wherever it is read, by a base of their own (HTML, 4.2.3)."""
    from html import escape

    return page.replace(b"<head>\n", f'<head>\n<base href="{escape(base)}">\n'.encode(), 1)


def _page(title: str, meta: list[str], body: list[str]) -> bytes:
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta name="pypi:repository-version" content="{API_VERSION}">',
        *meta,
        f"<title>{title}</title>",
        "</head>",
        "<body>",
        *body,
        "</body>",
        "</html>",
        "",
    ]
    return "\n".join(lines).encode()


# --- reading ---


def parse_project(raw: bytes) -> Project:
    """Read a project's JSON document.

    Only what the specification requires must be there: ``name``, and each file's ``filename``, ``url``
    and ``hashes``. Unknown keys are passed over. Raises ``InvalidDocument``.
    """
    return read_project(load_document(raw))


def load_document(raw: bytes) -> Any:
    """What a JSON document holds. Raises ``InvalidDocument``."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise InvalidDocument(f"the document is not JSON: {error}") from error


def read_project(document: Any) -> Project:
    """A project, of its document once loaded; see ``parse_project``. Raises ``InvalidDocument``."""
    try:
        return _project(document)
    except (TypeError, AttributeError, KeyError, InvalidName, UnicodeEncodeError) as error:
        raise InvalidDocument(f"the document has not the form of a project: {error!r}") from error


def _project(document: dict[str, Any]) -> Project:
    versions = document.get("versions")
    status = document.get("project-status") or {}
    if isinstance(status, str):  # PEP 792 was first published with a plain string
        status = {"status": status}
    marker = status.get("status")
    return Project(
        name=project_name(document["name"]),
        files=tuple(_file(item) for item in document["files"]),
        versions=None if versions is None else tuple(_text(version) for version in versions),
        status=next((known for known in STATUSES if known == marker), None),
        status_reason=_optional_text(status.get("reason")),
    )


def _file(item: dict[str, Any]) -> File:
    metadata = item.get("core-metadata", item.get("dist-info-metadata"))
    yanked = item.get("yanked")
    size = item.get("size")
    return File(
        filename=_text(item["filename"]),
        url=_text(item["url"]),
        hashes=_digests(item["hashes"]),
        requires_python=_optional_text(item.get("requires-python")),
        core_metadata=metadata if isinstance(metadata, bool | None) else _digests(metadata),
        size=size if isinstance(size, int) and not isinstance(size, bool) else None,
        upload_time=_optional_text(item.get("upload-time")),
        yanked=yanked if isinstance(yanked, bool | None) else _text(yanked) or True,
        gpg_sig=item["gpg-sig"] if isinstance(item.get("gpg-sig"), bool) else None,
        provenance=_optional_text(item.get("provenance")),
    )


def _digests(value: Mapping[str, str]) -> dict[str, str]:
    return {_text(name).lower(): _text(digest).lower() for name, digest in value.items()}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.100} is not a string")
    if not value.isascii():
        value.encode()  # JSON can say half a character (a lone surrogate), which no page can
    return value


def _optional_text(value: object) -> str | None:
    return None if value is None else _text(value)
