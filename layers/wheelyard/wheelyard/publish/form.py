"""The legacy upload form: multipart in, checked fields and a staged file out.

The form is described in Warehouse's documentation ("Upload API"); what clients really send differs, so only
the fields that decide something are looked at. The archive's own metadata is believed for the rest.
"""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from multipart import (
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)

from wheelyard.errors import DigestMismatch, InvalidUpload, TooLarge

if TYPE_CHECKING:
    from wheelyard.storage.staging import StagedFile

# A description can be long; all fields together may not fill the memory.
_MAX_FIELD = 4 * 1024 * 1024
_MAX_FIELDS_TOTAL = 16 * 1024 * 1024
_MAX_SEGMENTS = 2000
_LONGEST_VALUE = 200

LONGEST_SIGNATURE: Final = 64 * 1024
_ARMOUR = b"-----BEGIN PGP SIGNATURE-----"

_SINGLE = (
    ":action",
    "protocol_version",
    "metadata_version",
    "name",
    "version",
    "filetype",
    "pyversion",
    "md5_digest",
    "sha256_digest",
    "blake2_256_digest",
    "attestations",
)
FILETYPES = ("sdist", "bdist_wheel")
_LEGACY_FILETYPES = (*FILETYPES, "bdist_egg")


class Digests(NamedTuple):
    """The digests of a file, in lower-case hexadecimal."""

    md5: str
    sha256: str
    blake2_256: str


class UploadForm(NamedTuple):
    """A complete, consistent form, its file at ``path``.

    ``attestations``  as sent: a JSON array, unchecked
    ``signature``     a detached PGP signature, ASCII-armoured
    """

    name: str
    version: str
    filetype: str
    filename: str
    path: Path
    size: int
    digests: Digests
    attestations: str | None = None
    signature: bytes | None = None


def read_form(
    content_type: str | None,
    body: Iterable[bytes],
    staged: "StagedFile",
    max_size: int,
    *,
    legacy_formats: bool = False,
) -> UploadForm:
    """Read a form, its file into ``staged``, of ``max_size`` bytes at most.

    ``legacy_formats`` also takes the file type of eggs.

    Raises ``InvalidUpload`` naming the field at fault, ``DigestMismatch`` or ``TooLarge``.
    """
    reader = _FormReader(staged, max_size)
    media_type, options = parse_options_header(content_type or "")
    if media_type != "multipart/form-data" or not options.get("boundary"):
        raise InvalidUpload(
            f"Content-Type is {content_type or ''!r:.200}: send the form as multipart/form-data "
            "with a boundary, as twine does"
        )
    try:
        with PushMultipartParser(options["boundary"], max_segment_count=_MAX_SEGMENTS) as parser:
            # An empty chunk would end the parsing, wherever it comes.
            for chunk in filter(None, body):
                for event in parser.parse(chunk):
                    reader.feed(event)
    except ParserLimitReached as error:
        raise InvalidUpload(f"the form exceeds a limit: {error.args[0]!s:.200}") from error
    except (MultipartError, UnicodeError) as error:
        raise InvalidUpload(
            f"the form is not valid multipart/form-data ({error.args[0]!s:.200}): it may have been cut "
            "off on its way, send it again"
        ) from error
    staged.file.flush()
    return _checked(reader, _LEGACY_FILETYPES if legacy_formats else FILETYPES)


class _FormReader:
    """Takes the parser's events: a segment's start, its bytes, and None at its end."""

    def __init__(self, staged: "StagedFile", max_size: int) -> None:
        self.staged = staged
        self.fields: dict[str, list[str]] = {}
        self.filename: str | None = None
        self.signature: bytes | None = None
        self.size = 0
        self._max_size = max_size
        self._segment: MultipartSegment | None = None
        self._field = bytearray()
        self._fields_total = 0
        self._hashers = (
            hashlib.md5(usedforsecurity=False),
            hashlib.sha256(),
            hashlib.blake2b(digest_size=32),
        )

    def feed(self, event: MultipartSegment | bytes | bytearray | None) -> None:
        if isinstance(event, MultipartSegment):
            self._start(event)
        elif event is None:
            self._end()
        elif self._segment is not None and self._segment.name == "content":
            self._content(event)
        else:
            self._fields_total += len(event)
            if len(self._field) + len(event) > _MAX_FIELD or self._fields_total > _MAX_FIELDS_TOTAL:
                raise InvalidUpload(f"form field {self._name()!r:.100} is too long")
            self._field += event

    def digests(self) -> Digests:
        return Digests(*(hasher.hexdigest() for hasher in self._hashers))

    def _name(self) -> str:
        return (self._segment.name or "") if self._segment else ""

    def _start(self, segment: MultipartSegment) -> None:
        self._segment = segment
        self._field.clear()
        if not segment.name:
            raise InvalidUpload("a part of the form has no name: name each field")
        if segment.name == "content":
            if self.filename is not None:
                raise InvalidUpload("form field 'content' is there twice: send one file a request")
            if not segment.filename:
                raise InvalidUpload("form field 'content' has no filename: send it as a file")
            self.filename = segment.filename

    def _content(self, chunk: bytes | bytearray) -> None:
        self.size += len(chunk)
        if self.size > self._max_size:
            raise TooLarge(too_large(self.filename or "", self._max_size))
        for hasher in self._hashers:
            hasher.update(chunk)
        self.staged.file.write(chunk)

    def _end(self) -> None:
        name = self._name()
        if name == "gpg_signature":
            self._end_signature()
        elif name != "content":
            try:
                value = self._field.decode()
            except UnicodeDecodeError as error:
                raise InvalidUpload(f"form field {name!r:.100} is not UTF-8") from error
            self.fields.setdefault(name, []).append(value)
        self._segment = None

    def _end_signature(self) -> None:
        if self.signature is not None:
            raise InvalidUpload("form field 'gpg_signature' is there twice: send it once")
        self.signature = bytes(self._field)
        check_signature(self.signature)


def too_large(filename: str, max_size: int) -> str:
    """What to tell somebody whose file is larger than ``max_size`` bytes."""
    return (
        f"{filename!r:.200} is larger than the {max_size} bytes accepted in one form here: "
        "'wheelyard upload --index-url URL FILE' sends large files in parts, up to MAX_FILE_SIZE"
    )


def check_signature(signature: bytes) -> None:
    """Raises ``InvalidUpload`` for what is no ASCII-armoured detached signature (RFC 9580, 6.2)."""
    if len(signature) > LONGEST_SIGNATURE:
        raise InvalidUpload(f"form field 'gpg_signature' is longer than {LONGEST_SIGNATURE} bytes")
    if not signature.startswith(_ARMOUR):
        raise InvalidUpload(
            "form field 'gpg_signature' is not an ASCII-armoured signature: make it with "
            "'gpg --detach-sign --armor'"
        )


def _checked(reader: _FormReader, filetypes: tuple[str, ...]) -> UploadForm:
    fields = {name: _single(reader.fields, name) for name in _SINGLE}
    for name, expected in ((":action", "file_upload"), ("protocol_version", "1")):
        if fields[name] != expected:
            found = "missing" if fields[name] is None else f"{fields[name]!r:.100}"
            raise InvalidUpload(f"form field {name!r} is {found}: it must be {expected!r}")
    if reader.filename is None:
        raise InvalidUpload("form field 'content' is missing: it carries the file")
    for name in ("name", "version", "filetype"):
        value = fields[name]
        if not value:
            raise InvalidUpload(f"form field {name!r} is missing or empty")
        if len(value) > _LONGEST_VALUE:
            raise InvalidUpload(f"form field {name!r} is longer than {_LONGEST_VALUE} characters")
    if fields["filetype"] not in filetypes:
        raise InvalidUpload(
            f"form field 'filetype' is {fields['filetype']!r:.100}: use one of {', '.join(filetypes)}"
        )
    digests = reader.digests()
    _check_digests(fields, digests, reader.filename)
    return UploadForm(
        name=fields["name"] or "",
        version=fields["version"] or "",
        filetype=fields["filetype"] or "",
        filename=reader.filename,
        path=reader.staged.path,
        size=reader.size,
        digests=digests,
        attestations=fields["attestations"],
        signature=reader.signature,
    )


def _single(fields: Mapping[str, list[str]], name: str) -> str | None:
    values = fields.get(name, [])
    if len(values) > 1:
        raise InvalidUpload(f"form field {name!r} is there {len(values)} times: send it once")
    return values[0].strip() if values else None


def _check_digests(fields: Mapping[str, str | None], actual: Digests, filename: str) -> None:
    declared = {
        name: value for name in Digests._fields if (value := fields[f"{name}_digest"]) is not None
    }
    if not declared:
        raise InvalidUpload(
            "the form declares no digest: send sha256_digest, blake2_256_digest or md5_digest"
        )
    for name, value in declared.items():
        if value.lower() != getattr(actual, name):
            raise DigestMismatch(
                f"{filename!r:.200} arrived with {name} {getattr(actual, name)}, but the form "
                f"declares {value!r:.200}: build or send the file again"
            )
