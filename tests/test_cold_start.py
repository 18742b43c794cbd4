"""What a cold start of the request function imports: time that every burst of clients pays again."""

import json
import subprocess
import sys
import sysconfig
import time

import pytest

import lambdas
import tools
from distributions import build_wheel
from servers import S3Server
from wheelyard.access.rights import rights
from wheelyard.access.tokens import Tokens
from wheelyard.access.users import Users
from wheelyard.entry.functions import http_handler
from wheelyard.storage.opening import open_bucket

# Each costs a cold start 10 ms to 400 ms.
TOO_SLOW = {
    "aiohttp",
    "aws_xray_sdk",
    "boto3",
    "botocore",
    "click",
    "dataclasses",
    "django",
    "fastapi",
    "flask",
    "jinja2",
    "jsonschema",
    "multipart",
    "packaging",
    "passlib",
    "pydantic",
    "requests",
    "starlette",
    "urllib3",
    "uvicorn",
    "werkzeug",
}

# Cheaper ones, half a millisecond to two, that the first answers of most environments do without.
NOT_YET = {
    "base64",
    "html",
    "ipaddress",
    "pathlib",
    "random",
    "ssl",
    "tempfile",
    "urllib",
    "urllib.parse",
    "uuid",
    "wheelyard.access.users",
    "wheelyard.index.catalogue",
    "wheelyard.index.listing",
    "wheelyard.index.oversize",
    "wheelyard.mirror.manifest",
    "wheelyard.mirror.snapshots",
    "wheelyard.protocol.model",
    "wheelyard.protocol.simple",
}

# Runs the function's own code, then the events given on standard input, and prints the statuses.
_RUN = """
import importlib.util, json, os, sys
spec = importlib.util.spec_from_file_location("app", sys.argv[1])
app = importlib.util.module_from_spec(spec)
spec.loader.exec_module(app)
print([app.handler(event, None)["statusCode"] for event in json.load(sys.stdin)])
if "PRINT_MODULES" in os.environ:
    print(*sys.modules)
"""

_JSON = "application/vnd.pypi.simple.v1+json"


@pytest.fixture(scope="module")
def environ(s3_moto: S3Server) -> dict[str, str]:
    """The environment of a function whose bucket holds a user and a project."""
    environ = lambdas.environment(s3_moto, s3_moto.new_bucket())
    Users(open_bucket(environ, 900)).put("alice", "hunter2", upload=True)
    wheel = build_wheel("acme-rocket", "1.0")
    uploaded = lambdas.upload("acme-rocket", wheel, "alice", "hunter2")
    assert http_handler(environ, uploads=True)(uploaded, None)["statusCode"] == 200
    return environ


def test_request_path_imports(environ: dict[str, str]) -> None:
    """Starting the request function and answering what pip and uv ask imports nothing slow."""
    wheel = build_wheel("acme-rocket", "1.0").filename
    events = [
        lambdas.get(path, "alice", "hunter2", accept)
        for path, accept in [
            ("/-/health", "*/*"),
            ("/simple/", _JSON),
            ("/simple/acme-rocket/", _JSON),
            ("/simple/acme-rocket/", "text/html"),
            (f"/simple/acme-rocket/{wheel}.metadata", "*/*"),
            (f"/simple/acme-rocket/{wheel}", "*/*"),
            ("/simple/nothing-here/", _JSON),
        ]
    ]
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", _RUN, tools.ROOT / "functions/request/app.py"],
        input=json.dumps(events),
        capture_output=True,
        text=True,
        env=environ | {"PYTHONPATH": str(tools.ROOT / "layers/wheelyard")},
        check=False,
    )
    assert done.stdout == "[200, 200, 200, 200, 200, 302, 404]\n", done.stderr
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines() if "|" in line}
    assert "wheelyard.entry.functions" in imported
    assert {name for name in imported if name.partition(".")[0] in TOO_SLOW} == set()


def test_first_page_imports(environ: dict[str, str]) -> None:
    """A function that mirrors, asked first for a private project's page with a token, imports no more."""
    token = Tokens(open_bucket(environ, 900), time.time).create("ci", rights()).secret
    page = lambdas.get("/simple/acme-rocket/", "__token__", token, _JSON)
    # Without the interpreter's own start, which may import anything.
    path = f"{tools.ROOT / 'layers/wheelyard'}:{sysconfig.get_path('purelib')}"
    upstream = {"UPSTREAM_INDEX_URL": "https://reader:secret@upstream.example/simple/"}
    done = subprocess.run(
        [sys.executable, "-S", "-c", _RUN, tools.ROOT / "functions/request/app.py"],
        input=json.dumps([page]),
        capture_output=True,
        text=True,
        env=environ | upstream | {"PYTHONPATH": path, "PRINT_MODULES": "1"},
        check=False,
    )
    status, _, modules = done.stdout.partition("\n")
    assert status == "[200]", done.stderr
    assert "wheelyard.access.tokens" in modules.split()
    assert NOT_YET.intersection(modules.split()) == set()
