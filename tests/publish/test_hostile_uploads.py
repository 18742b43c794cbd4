"""Uploads that must be refused, each with the status and message that a person would want.

Whatever is sent: never a 500, nothing stored, nothing listed.
"""

import base64
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest

from distributions import BuiltDistribution, build_sdist, build_wheel
from forms import BOUNDARY, CONTENT_TYPE, SIGNATURE, Part, attestation, changed, encode, parts
from hostile import EVERY as ARCHIVES
from indexes import READER, UPLOADER, Index, basic, content
from wheelyard.storage import keys

WHEEL = build_wheel("acme-tools", "1.0")
SDIST = build_sdist("acme-tools", "1.0")
ATTESTATION = attestation(WHEEL)
STATEMENT = "envelope.statement"


class Hostile(NamedTuple):
    """An upload, and the answer to it."""

    what: str
    body: bytes
    says: str
    status: int = 400
    headers: Mapping[str, str] = {}
    path: str = "/legacy/"


def field(what: str, says: str, **others: Any) -> Hostile:
    """Twine's form with other fields."""
    return Hostile(what, encode(parts(WHEEL, **others)), says)


def more(what: str, says: str, *extra: Part, **others: Any) -> Hostile:
    """Twine's form with more parts."""
    return Hostile(what, encode(parts(WHEEL, list(extra), **others)), says)


def renamed(what: str, filename: str, says: str, **others: Any) -> Hostile:
    """Twine's form for a good wheel under another filename; only ``others`` tell name and version."""
    stated = {"name": "acme-tools", "version": "1.0", "filetype": "bdist_wheel", **others}
    sent = parts(WHEEL, **stated)
    sent = [p._replace(filename=filename) if p.name == "content" else p for p in sent]
    return Hostile(what, encode(sent), says)


def raw(what: str, body: bytes, says: str, status: int = 400, **headers: str) -> Hostile:
    """Any body, with header fields changed."""
    return Hostile(what, body, says, status, {k.replace("_", "-"): v for k, v in headers.items()})


def attested(what: str, says: str, value: object) -> Hostile:
    """Twine's form with these attestations."""
    text = value if isinstance(value, str) else json.dumps(value)
    return field(f"attestations: {what}", says, attestations=text)


def stated(what: str, says: str, **statement: Any) -> Hostile:
    """Twine's form with one attestation, of which the statement is another."""
    return attested(what, says, [attestation(WHEEL, **statement)])


def encoded(document: object) -> str:
    """Base64 of JSON."""
    return base64.b64encode(json.dumps(document).encode()).decode()


GOOD = encode(parts(WHEEL))
SUBJECT = {"name": WHEEL.filename, "digest": {"sha256": WHEEL.sha256}}

FORMS = (
    field("no action", "':action' is missing: it must be 'file_upload'", action=None),
    field("another action", "':action' is 'submit'", action="submit"),
    field("an empty action", "':action' is ''", action=""),
    field(
        "no protocol version",
        "'protocol_version' is missing: it must be '1'",
        protocol_version=None,
    ),
    field("another protocol version", "'protocol_version' is '2'", protocol_version="2"),
    field("no name", "'name' is missing or empty", name=None),
    field("an empty name", "'name' is missing or empty", name=" "),
    field("another project's name", "the form says 'name' 'other'", name="other"),
    field("an impossible name", "name or version is invalid", name="../acme"),
    field("a name with a NUL", "name or version is invalid", name="acme\0tools"),
    field("a name without end", "'name' is longer than 200", name="a" * 5000),
    field("no version", "'version' is missing or empty", version=None),
    field("another version", "the form says 'version' '2.0'", version="2.0"),
    field("an impossible version", "name or version is invalid", version="one"),
    field("a version without end", "'version' is longer than 200", version="1" * 5000),
    field("no filetype", "'filetype' is missing or empty", filetype=None),
    field("another filetype", "the form says 'filetype' 'sdist'", filetype="sdist"),
    field("an unknown filetype", "'filetype' is 'bdist_rpm': use one of", filetype="bdist_rpm"),
    field("a legacy filetype", "'filetype' is 'bdist_egg': use one of", filetype="bdist_egg"),
    field("no digest", "declares no digest", sha256_digest=None, blake2_256_digest=None),
    field("another sha256", f"arrived with sha256 {WHEEL.sha256}", sha256_digest="0" * 64),
    field("an empty sha256", "the form declares ''", sha256_digest=""),
    field("a short sha256", "the form declares", sha256_digest=WHEEL.sha256[:-1]),
    field("a sha256 that is none", "the form declares 'sha256'", sha256_digest="sha256"),
    field("a sha256 without end", "the form declares", sha256_digest="0" * 100_000),
    field("another md5", "arrived with md5", md5_digest="0" * 32),
    field("another blake2", "arrived with blake2_256", blake2_256_digest="0" * 64),
    more("two names", "'name' is there 2 times", Part("name", b"acme-tools")),
    more("two versions", "'version' is there 2 times", Part("version", b"1.0")),
    more("two filetypes", "'filetype' is there 2 times", Part("filetype", b"bdist_wheel")),
    more("two digests", "'sha256_digest' is there 2 times", Part("sha256_digest", b"0")),
    more("two actions", "':action' is there 2 times", Part(":action", b"file_upload")),
    more("two files", "'content' is there twice", Part("content", b"", "b.whl")),
    more("a field that is not UTF-8", "'summary' is not UTF-8", Part("summary", b"\xff\xfe")),
    more("a field too long", "'description' is too long", Part("description", b"a" * 5_000_000)),
    more(
        "fields too long together",
        "is too long",
        *(Part(f"field{n}", b"a" * 3_900_000) for n in range(5)),
    ),
    more("fields too many", "exceeds a limit", *(Part("classifiers", b"a") for _ in range(2100))),
    Hostile(
        "no file", encode([p for p in parts(WHEEL) if p.name != "content"]), "'content' is missing"
    ),
    Hostile(
        "the file as a plain field",
        encode([p._replace(filename=None) if p.name == "content" else p for p in parts(WHEEL)]),
        "'content' has no filename",
    ),
    Hostile("a form without fields", encode([]), "':action' is missing: it must be 'file_upload'"),
    Hostile(
        "an empty file",
        encode(parts(BuiltDistribution(WHEEL.filename, b""))),
        "it is not a ZIP file",
    ),
    renamed("no filename", "", "'content' has no filename"),
    renamed(
        "a path", "../../etc/acme_tools-1.0-py3-none-any.whl", "is not a distribution filename"
    ),
    renamed(
        "a Windows path", "C:/acme_tools-1.0-py3-none-any.whl", "is not a distribution filename"
    ),
    renamed("a hidden file", ".acme_tools-1.0-py3-none-any.whl", "is not a distribution filename"),
    renamed("a newline", "acme_tools-1.0%0A-py3-none-any.whl", "is not a distribution filename"),
    renamed("a filename without end", "a" * 300 + "-1.0-py3-none-any.whl", "at most 240"),
    renamed("a filename that is not ASCII", "acmé-1.0-py3-none-any.whl", "use ASCII letters"),
    renamed("an installer", "acme_tools-1.0.exe", "should end in .whl, .tar.gz or .zip"),
    renamed(
        "another project's filename",
        "other-1.0-py3-none-any.whl",
        "for another release than the filename's other 1.0",
    ),
    renamed(
        "another version's filename",
        "acme_tools-2.0-py3-none-any.whl",
        "for another release than the filename's acme-tools 2.0",
    ),
    renamed("an old spelling", "Acme.Tools-1.0-py3-none-any.whl", "should be 'acme_tools-1.0"),
    renamed(
        "another kind's name", "acme_tools-1.0.tar.gz", "is not a valid sdist", filetype="sdist"
    ),
    more("a binary signature", "not an ASCII-armoured", Part("gpg_signature", b"\x89\x01", "x")),
    more("an empty signature", "not an ASCII-armoured", Part("gpg_signature", b"", "x")),
    more(
        "a signature without end",
        "'gpg_signature' is longer than",
        Part("gpg_signature", SIGNATURE + b"A" * 70_000, "x"),
    ),
    more(
        "two signatures",
        "'gpg_signature' is there twice",
        Part("gpg_signature", SIGNATURE, "x"),
        Part("gpg_signature", SIGNATURE, "x"),
    ),
)

ATTESTATIONS = (
    attested("not JSON", "'attestations' is not JSON", "{"),
    attested("nested without end", "'attestations' is not JSON", "[" * 100_000),
    attested("an object", "is not a JSON array", {"version": 1}),
    attested("null", "is not a JSON array", "null"),
    attested("numbers", "it is missing or no object", [1]),
    attested("too many", "has 17 attestations: send 16", [ATTESTATION] * 17),
    attested("two of a type", "an earlier one has the predicate type", [ATTESTATION] * 2),
    attested("another version", "its version is 2", [changed(ATTESTATION, "version", 2)]),
    attested(
        "a version that is true", "its version is True", [changed(ATTESTATION, "version", True)]
    ),
    attested(
        "no material",
        "'verification_material' is missing",
        [changed(ATTESTATION, "verification_material", ...)],
    ),
    attested(
        "no certificate",
        "'certificate' is missing",
        [changed(ATTESTATION, "verification_material.certificate", ...)],
    ),
    attested(
        "not logged",
        "it has no 'transparency_entries'",
        [changed(ATTESTATION, "verification_material.transparency_entries", [])],
    ),
    attested("no envelope", "'envelope' is missing", [changed(ATTESTATION, "envelope", None)]),
    attested(
        "no signature", "'signature' is missing", [changed(ATTESTATION, "envelope.signature", "")]
    ),
    attested(
        "a statement that is not base64",
        "'statement' is missing or not base64",
        [changed(ATTESTATION, STATEMENT, "***")],
    ),
    attested(
        "a statement that is not JSON",
        "its statement is not JSON",
        [changed(ATTESTATION, STATEMENT, base64.b64encode(b"\xff{").decode())],
    ),
    attested(
        "a statement that is a list",
        "the statement is missing or no object",
        [changed(ATTESTATION, STATEMENT, encoded([]))],
    ),
    attested(
        "a statement without end",
        "its statement is longer than",
        [changed(ATTESTATION, STATEMENT, encoded("a" * 70_000))],
    ),
    stated("another statement type", "its statement is of type 'x'", _type="x"),
    stated("no predicate type", "its statement has no 'predicateType'", predicateType=None),
    stated("no subject", "not exactly one subject", subject=[]),
    stated("two subjects", "not exactly one subject", subject=[SUBJECT, SUBJECT]),
    stated("another file", "about 'x.whl', not about", subject=[{**SUBJECT, "name": "x.whl"}]),
    stated(
        "the sdist of the release",
        "not about 'acme_tools-1.0-py3",
        subject=[{**SUBJECT, "name": SDIST.filename}],
    ),
    stated(
        "another digest",
        f"has {WHEEL.sha256}",
        subject=[{**SUBJECT, "digest": {"sha256": "0" * 64}}],
    ),
    stated("no digest", "the subject's 'digest' is missing", subject=[{"name": WHEEL.filename}]),
    more(
        "two lists of attestations",
        "'attestations' is there 2 times",
        *[Part("attestations", b"[]")] * 2,
    ),
)

REQUESTS = (
    raw("no body", b"", "not valid multipart"),
    raw("no content type", GOOD, "send the form as multipart/form-data", content_type=""),
    raw("JSON", b"{}", "send the form as multipart", content_type="application/json"),
    raw(
        "another form",
        b":action=file_upload",
        "send the form as multipart",
        content_type="application/x-www-form-urlencoded",
    ),
    raw("no boundary", GOOD, "with a boundary", content_type="multipart/form-data"),
    raw(
        "an empty boundary",
        GOOD,
        "with a boundary",
        content_type='multipart/form-data; boundary=""',
    ),
    raw(
        "a boundary without end",
        GOOD,
        "not valid multipart",
        content_type=f"multipart/form-data; boundary={'a' * 9000}",
    ),
    raw(
        "another boundary",
        GOOD,
        "not valid multipart",
        content_type="multipart/form-data; boundary=x",
    ),
    raw(
        "mixed parts",
        GOOD,
        "as multipart/form-data",
        content_type=f"multipart/mixed; boundary={BOUNDARY}",
    ),
    raw("a body cut off in a field", GOOD[:200], "not valid multipart"),
    raw("a body cut off in the file", GOOD[:-200], "not valid multipart"),
    raw("a body cut off at the end", GOOD[:-6], "not valid multipart"),
    raw("bytes before the beginning", b"more" + GOOD, "not valid multipart"),
    raw(
        "a part without a header",
        GOOD.replace(b"Content-Disposition", b"X", 1),
        "not valid multipart",
    ),
    raw("a part without a name", GOOD.replace(b"; name=", b"; x=", 1), "has no name"),
    raw(
        "a header without end",
        GOOD.replace(b"form-data;", b"form-data; x=" + b"a" * 100_000, 1),
        "exceeds a limit",
    ),
    raw(
        "a binary header",
        GOOD.replace(b"form-data;", b"form-data; \xff\xfe=", 1),
        "not valid multipart",
    ),
    raw("noise", bytes(range(256)) * 100, "not valid multipart"),
    raw("nobody", GOOD, "needs a user name and a password", 401, authorization=""),
    raw("a wrong password", GOOD, "needs a user", 401, authorization=basic(UPLOADER[0], "x")),
    raw("a broken header", GOOD, "needs a user", 401, authorization="Basic ****"),
    raw("another scheme", GOOD, "needs a user", 401, authorization="Bearer x"),
    raw("a reader", GOOD, "may read but not upload", 403, authorization=basic(*READER)),
    Hostile("a project's page", GOOD, "POST is not possible", 405, path="/simple/acme-tools/"),
    Hostile("an unknown path", GOOD, "there is nothing at", 404, path="/uploads/"),
)

# A dozen kinds of those that are tried on the archive checks directly.
SOME_ARCHIVES = tuple(
    Hostile(
        f"archive: {case.what}",
        encode(
            parts(
                BuiltDistribution(case.filename, case.content),
                name="x",
                version="1",
                filetype="bdist_wheel",
            )
        ),
        case.says,
    )
    for case in ARCHIVES[1 :: len(ARCHIVES) // 24]
)

EVERY = (*FORMS, *ATTESTATIONS, *REQUESTS, *SOME_ARCHIVES)


@pytest.fixture(scope="module")
def index() -> Index:
    """An empty index for all of them: a refused upload leaves nothing that another could meet."""
    return Index()


@pytest.mark.parametrize("case", [pytest.param(case, id=case.what) for case in EVERY])
def test_refused(index: Index, case: Hostile) -> None:
    """It is refused for its own reason; nothing is stored, and nothing is listed."""
    headers = {"content-type": CONTENT_TYPE, "authorization": basic(*UPLOADER), **case.headers}
    answer = index.ask("POST", case.path, None, headers, [case.body])
    assert answer.header("content-type") == "application/problem+json"
    problem = json.loads(content(answer))
    assert (answer.status, problem["status"]) == (case.status, case.status), problem
    assert case.says in problem["detail"]
    assert len(problem["detail"]) < 2000
    assert "\n" not in problem["detail"]
    for folder in (keys.PACKAGES, keys.PROJECTS, keys.CATALOGUE, keys.TOMBSTONES):
        assert not list(index.store.list(folder))
    assert index.get("/simple/acme-tools/").status == 404


def test_the_form_that_is_spoilt_is_good() -> None:
    """The form that all of them are made of is taken as it is."""
    index = Index()
    headers = {"content-type": CONTENT_TYPE}
    assert index.ask("POST", "/legacy/", UPLOADER, headers, [GOOD]).status == 200
    sent = parts(
        WHEEL, [Part("gpg_signature", SIGNATURE, "x")], attestations=json.dumps([ATTESTATION])
    )
    other = Index()
    assert other.ask("POST", "/legacy/", UPLOADER, headers, [encode(sent)]).status == 200


def test_a_refused_upload_does_not_make_a_project_private() -> None:
    """A name whose upload was refused is not taken: it has no document and is not in the catalogue."""
    index = Index()
    index.upload(WHEEL, {"version": "2.0"})
    assert (
        json.loads(content(index.get("/simple/?format=application/vnd.pypi.simple.v1%2Bjson")))[
            "projects"
        ]
        == []
    )
