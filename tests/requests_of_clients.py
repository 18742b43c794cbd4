"""Requests as clients put them on the wire: recorded from pip, uv and twine, and odd ones of our own."""

import base64
import hashlib
import json
import zipfile
from collections.abc import Mapping

from distributions import BuiltDistribution, build_wheel, pack_zip, wheel_members
from fronts.wire import Pairs, Sent

_JSON, _HTML = "application/vnd.pypi.simple.v1+json", "application/vnd.pypi.simple.v1+html"
PIP_ACCEPT = f"{_JSON}, {_HTML}; q=0.1, text/html; q=0.01"
UV_ACCEPT = f"{_JSON}, {_HTML};q=0.2, text/html;q=0.01"
_SYSTEM = {
    "ci": None,
    "cpu": "x86_64",
    "distro": {"id": "bookworm", "libc": {"lib": "glibc", "version": "2.36"}, "name": "Debian"},
    "implementation": {"name": "CPython", "version": "3.13.1"},
}  # fmt: skip
PIP_AGENT = "pip/26.3 " + json.dumps(
    _SYSTEM | {"installer": {"name": "pip", "version": "26.3"}, "python": "3.13.1"},
    separators=(",", ":"),
)
UV_AGENT = "uv/0.13.9 " + json.dumps(
    {"installer": {"name": "uv", "version": "0.13.9", "subcommand": ["pip", "install"]}} | _SYSTEM,
    separators=(",", ":"),
)


def basic(user: str) -> str:
    """The credentials of an example user."""
    return "Basic " + base64.b64encode(f"{user}:example-password".encode()).decode()


PIP: Pairs = (
    ("User-Agent", PIP_AGENT),
    ("Accept-Encoding", "gzip, deflate"),
    ("Accept", PIP_ACCEPT),
    ("Cache-Control", "max-age=0"),
)
UV: Pairs = (
    ("accept-encoding", "gzip, deflate, zstd"),
    ("accept", UV_ACCEPT),
    ("user-agent", UV_AGENT),
)
READER: Pairs = (("Authorization", basic("reader")),)


def upload_form(boundary: str = "b1e33327d3d145eea4cb2589fb4a3c41") -> bytes:
    """What twine sends for a small wheel; always the same bytes, since nothing in it is compressed."""
    wheel = example_wheel()
    fields = {
        "summary": "The acme-widgets package",
        "name": "acme-widgets",
        "requires_python": ">=3.9",
        "version": "1.0",
        "metadata_version": "2.4",
        "pyversion": "py3",
        "filetype": "bdist_wheel",
        "sha256_digest": wheel.sha256,
        "blake2_256_digest": hashlib.blake2b(wheel.content, digest_size=32).hexdigest(),
        ":action": "file_upload",
        "protocol_version": "1",
    }
    parts = [f'form-data; name="{name}"\r\n\r\n{value}' for name, value in fields.items()]
    before = "".join(f"--{boundary}\r\nContent-Disposition: {part}\r\n" for part in parts)
    file = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="content"; filename="{wheel.filename}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return (before + file).encode() + wheel.content + f"\r\n--{boundary}--\r\n".encode()


def example_wheel() -> BuiltDistribution:
    """A wheel whose members are stored, not compressed: its bytes do not depend on a zlib."""
    built = build_wheel("acme-widgets", "1.0", requires_python=">=3.9")
    metadata = (
        b"Metadata-Version: 2.4\nName: acme-widgets\nVersion: 1.0\nSummary: The acme-widgets package\n"
        b"Requires-Python: >=3.9\n"
    )
    members = wheel_members("acme-widgets", "1.0", metadata=metadata)
    return built._replace(content=pack_zip(members, zipfile.ZIP_STORED))


def upload(path: str = "/") -> Sent:
    """twine's upload of the example wheel."""
    body = upload_form()
    headers = (
        ("User-Agent", "twine/7.0.0 CPython/3.13.1"),
        ("Accept-Encoding", "gzip, deflate"),
        ("Accept", "*/*"),
        ("Content-Type", "multipart/form-data; boundary=b1e33327d3d145eea4cb2589fb4a3c41"),
        ("Content-Length", str(len(body))),
        ("Authorization", basic("writer")),
    )
    return Sent("POST", path, "", headers, body)


_PAGE = "/simple/acme-widgets/"
_JSON_FORMAT = "format=application%2Fvnd.pypi.simple.v1%2Bjson"

SENT: Mapping[str, Sent] = {
    "page": Sent("GET", _PAGE, headers=PIP + READER),
    "page, uv": Sent("GET", _PAGE, headers=UV + READER),
    "page, HTML": Sent("GET", _PAGE, headers=(("Accept", "text/html"), *READER)),
    "head": Sent("HEAD", _PAGE, headers=PIP + READER),
    "no headers": Sent("GET", "/simple/"),
    "root": Sent(),
    "no credentials": Sent("GET", _PAGE, headers=PIP),
    "conditional": Sent("GET", _PAGE, headers=(("If-None-Match", 'W/"a", "b"'),)),
    "file": Sent("GET", f"{_PAGE}acme_widgets-1.0-py3-none-any.whl", headers=PIP + READER),
    "range": Sent("GET", f"{_PAGE}a-1.tar.gz", headers=(("Range", "bytes=0-99"),)),
    "encoded plus": Sent("GET", f"{_PAGE}acme_widgets-1.0%2Blocal.1-py3-none-any.whl"),
    "plus": Sent("GET", f"{_PAGE}acme_widgets-1.0+local.1-py3-none-any.whl"),
    "space": Sent("GET", "/simple/acme%20widgets/"),
    "unicode": Sent("GET", "/simple/w%C3%BCrfel/%F0%9F%93%A6.whl"),
    "not UTF-8": Sent("GET", "/simple/%FF/"),
    "encoded percent": Sent("GET", "/simple/a%252Bb/100%25/"),
    "encoded slash": Sent("GET", "/simple/a%2Fb/"),
    "encoded unreserved": Sent("GET", "/%73imple/%61cme/"),
    "hatch": Sent("GET", "/%2Bsimple/acme-widgets/", headers=(("Accept", "*/*"),)),
    "two slashes": Sent("GET", "//simple//acme/"),
    "no slash": Sent("GET", "/simple/acme-widgets", "format=json"),
    "unnormalised": Sent("GET", "/simple/Acme.Widgets/", "format=json"),
    "unnormalised file": Sent("GET", "/simple/Acme_Widgets/a-1%2Bb.tar.gz"),
    "unknown": Sent("GET", "/simple/nothing-of-the-kind/"),
    "metadata": Sent("GET", f"{_PAGE}acme_widgets-1.0-py3-none-any.whl.metadata"),
    "JSON API": Sent("GET", "/pypi/acme-widgets/1.0/json"),
    "health": Sent("GET", "/-/health"),
    "wrong method": Sent("DELETE", _PAGE),
    "format": Sent("GET", _PAGE, "format=json"),
    "encoded format": Sent("GET", _PAGE, _JSON_FORMAT),
    "format with a plus": Sent("GET", _PAGE, "format=application/vnd.pypi.simple.v1+json"),
    "odd query": Sent("GET", _PAGE, "a=%26%3D%25&b=%C3%BC&%2B=+&empty="),
    "repeated parameter": Sent("GET", _PAGE, "a=1&b=2&a=3&a=1"),
    "repeated header": Sent(
        "GET", _PAGE, headers=(("Accept", "text/html"), ("X-A", "1"), ("accept", "*/*"))
    ),
    "cookies": Sent("GET", _PAGE, headers=(("Cookie", "a=1; b=2"),)),
    "form": Sent(
        "POST", "/", "", (("Content-Type", "application/x-www-form-urlencoded"),), b"a=%2B"
    ),
    "text body": Sent("POST", "/", "", (("Content-Type", "text/plain"),), "Füße 📦\0\r\n".encode()),
    "binary body": Sent(
        "POST", "/", "", (("Content-Type", "application/octet-stream"),), bytes(range(256))
    ),
    "text that is not": Sent("POST", "/", "", (("Content-Type", "text/plain"),), b"\xff\xfe"),
    "upload": upload(),
    "upload, legacy": upload("/legacy/"),
}
