"""Core metadata: the METADATA of a wheel, the PKG-INFO of a source distribution.

https://packaging.python.org/en/latest/specifications/core-metadata/

Not for the request path: the packaging library costs a cold start 33 ms.
"""

from collections.abc import Iterator
from typing import NamedTuple

from packaging.metadata import InvalidMetadata as PackagingInvalidMetadata
from packaging.metadata import Metadata, RawMetadata, parse_email

from wheelyard.errors import InvalidMetadata

_VERSIONS = ("1.0", "1.1", "1.2", "2.1", "2.2", "2.3", "2.4", "2.5", "2.6")
_LICENSE_FILES_SINCE = _VERSIONS[6:]
_SHOWN = 200
_MOST_PROBLEMS = 10
_MOST_FIELDS, _MOST_NAMES = 20_000, 300
_MIME = frozenset({b"content-type", b"content-transfer-encoding"})
# The parsers behind these fields recurse; a Version becomes an int, which has at most 4,300 digits.
_MOST_PARENTHESES = 50
_NESTING = ("requires_dist", "license_expression", "description_content_type")
_LONGEST = {"name": 200, "version": 200, "description_content_type": 200}

_FIXES = {
    "metadata-version": "use one from '1.0' to '2.6' (there is no '2.0')",
    "name": "use ASCII letters, digits, '.', '-' and '_'",
    "version": "use a version as PEP 440 defines it, like '1.0.post1'",
    "requires-python": "use version specifiers, like '>=3.11'",
    "requires-dist": "use requirements as PEP 508 defines them, like 'name>=1.0; os_name == \"nt\"'",
    "license-expression": "use an SPDX expression, like 'MIT OR Apache-2.0'",
    "description-content-type": "use 'text/plain', 'text/x-rst' or 'text/markdown'",
    "summary": "make it one line",
    "content-type": "remove it: it is not a field of core metadata",
    "content-transfer-encoding": "remove it: it is not a field of core metadata",
}


# As the specification lists them, with those that it has deprecated.
_KNOWN_FIELDS = """
    author author-email classifier description description-content-type download-url dynamic home-page
    import-name import-namespace keywords license license-expression license-file maintainer
    maintainer-email metadata-version name obsoletes obsoletes-dist platform project-url provides
    provides-dist provides-extra requires requires-dist requires-external requires-python summary
    supported-platform version
"""
_KNOWN = frozenset(_KNOWN_FIELDS.split())


class CoreMetadata(NamedTuple):
    """The fields of one distribution, as they were written; what is absent is empty.

    ``version``, ``requires_python`` and ``requires_dist`` are strings as written, not normalised.
    """

    metadata_version: str
    name: str
    version: str
    summary: str
    description: str
    description_content_type: str
    keywords: tuple[str, ...]
    home_page: str
    download_url: str
    author: str
    author_email: str
    maintainer: str
    maintainer_email: str
    license: str
    license_expression: str
    license_files: tuple[str, ...]
    classifiers: tuple[str, ...]
    platforms: tuple[str, ...]
    requires_python: str
    requires_dist: tuple[str, ...]
    provides_extra: tuple[str, ...]
    project_urls: dict[str, str]
    dynamic: tuple[str, ...]


def parse_metadata(raw: bytes, *, legacy: bool = False) -> CoreMetadata:
    """Read and check core metadata up to version 2.6.

    Fields that the specification does not know are ignored, and those that it knows are checked by its
    newest version: many tools write them before they announce it. ``legacy`` also takes the version 2.0,
    which never was one.

    Raises ``InvalidMetadata`` naming every wrong field (up to ten), its value and what would be right.
    """
    fields, unreadable = _read(raw)
    problems = [_problem(name, f"{_shown(values)} cannot be read") for name, values in unreadable]
    checked = fields.copy()
    version = fields.get("metadata_version")
    if version in _VERSIONS or (legacy and version == "2.0"):
        checked["metadata_version"] = _VERSIONS[-1]
    problems += _too_deep(checked) or _invalid(checked, {name for name, _ in unreadable})
    if problems:
        raise InvalidMetadata("; ".join(problems[:_MOST_PROBLEMS]))
    return _core_metadata(fields)


def read_metadata(raw: bytes) -> CoreMetadata:
    """Read what can be read of core metadata that was stored earlier, or by others.

    Raises ``InvalidMetadata`` only for bytes that are no such document at all.
    """
    return _core_metadata(_read(raw).fields)


class _Read(NamedTuple):
    fields: RawMetadata
    unreadable: list[tuple[str, list[str]]]


def _read(raw: bytes) -> _Read:
    _check_headers(raw)
    fields, unparsed = parse_email(raw)
    known = [(name, values) for name, values in unparsed.items() if name in _KNOWN]
    # Before 2.4 standardised it, setuptools wrote this field with paths that are no longer right.
    if fields.get("metadata_version") not in _LICENSE_FILES_SINCE:
        fields.pop("license_files", None)
    return _Read(fields, known)


def _check_headers(raw: bytes) -> None:
    """Refuse what the email parser has no limits for: nested messages, and very many fields."""
    headers = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").partition(b"\n\n")[0]
    lines = [line for line in headers.split(b"\n") if not line.startswith((b" ", b"\t"))]
    names = {line.partition(b":")[0] for line in lines}
    for name in {name.lower() for name in names} & _MIME:
        raise InvalidMetadata(_problem(name.decode(), "is not allowed"))
    if len(lines) > _MOST_FIELDS or len(names) > _MOST_NAMES:
        raise InvalidMetadata(
            f"The metadata has more than {_MOST_FIELDS:,} fields, or more than {_MOST_NAMES} different "
            "ones: end the fields with an empty line, before the description"
        )


def _too_deep(fields: RawMetadata) -> list[str]:
    return [
        _problem(name, f"{_shown([value])} is too long or nests too deeply")
        for name, value in _strings(fields)
        if len(value) > _LONGEST.get(name, len(value))
        or (name in _NESTING and value.count("(") > _MOST_PARENTHESES)
    ]


def _strings(fields: RawMetadata) -> Iterator[tuple[str, str]]:
    for name, value in fields.items():
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, list):
            yield from ((name, item) for item in value)


def _invalid(fields: RawMetadata, reported: set[str]) -> list[str]:
    try:
        Metadata.from_raw(fields)
    except ExceptionGroup as group:
        problems = [e for e in group.exceptions if isinstance(e, PackagingInvalidMetadata)]
        return sorted(_explained(e) for e in problems if e.field not in reported)
    return []


def _explained(problem: PackagingInvalidMetadata) -> str:
    cause = f" ({_line(str(problem.__cause__))})" if problem.__cause__ else ""
    return _problem(problem.field, _line(str(problem)) + cause)


def _line(text: str) -> str:
    first = " ".join(text.split())
    return first if len(first) <= _SHOWN else first[:_SHOWN] + "…"


def _problem(name: str, what: str) -> str:
    header = name.replace("_", "-").title().replace("-Url", "-URL")
    fix = _FIXES.get(name, "correct it in the project's configuration and build again")
    return f"{header}: {what}; {fix}"


def _shown(values: list[str]) -> str:
    return repr(values[0] if len(values) == 1 else values)[:_SHOWN]


def _core_metadata(fields: RawMetadata) -> CoreMetadata:
    return CoreMetadata(
        metadata_version=fields.get("metadata_version", ""),
        name=fields.get("name", ""),
        version=fields.get("version", ""),
        summary=fields.get("summary", ""),
        description=fields.get("description", ""),
        description_content_type=fields.get("description_content_type", ""),
        keywords=tuple(fields.get("keywords", ())),
        home_page=fields.get("home_page", ""),
        download_url=fields.get("download_url", ""),
        author=fields.get("author", ""),
        author_email=fields.get("author_email", ""),
        maintainer=fields.get("maintainer", ""),
        maintainer_email=fields.get("maintainer_email", ""),
        license=fields.get("license", ""),
        license_expression=fields.get("license_expression", ""),
        license_files=tuple(fields.get("license_files", ())),
        classifiers=tuple(fields.get("classifiers", ())),
        platforms=tuple(fields.get("platforms", ())),
        requires_python=fields.get("requires_python", ""),
        requires_dist=tuple(fields.get("requires_dist", ())),
        provides_extra=tuple(fields.get("provides_extra", ())),
        project_urls=dict(fields.get("project_urls", {})),
        dynamic=tuple(fields.get("dynamic", ())),
    )
