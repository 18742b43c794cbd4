"""Every server that is measured: this project's, the peers, and nginx with finished pages as the limit."""

import gzip
import json
import os
import sys
import time
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import forms
import machine
from corpus import HUGE, LARGE, MANY, RESOLVED, SINGLE, TYPICAL, Corpus
from distributions import BuiltDistribution
from environments import ROOT, Environment
from nginx import executable
from running import free_port
from wheelyard.access.users import Users
from wheelyard.protocol.simple import parse_project, project_html, root_html, root_json
from wheelyard.storage.directory import DirectoryStore

USER, PASSWORD = "bench", "a-password-for-benchmarks"
AUTHORIZATION = "Basic " + b64encode(f"{USER}:{PASSWORD}".encode()).decode()
PLAIN = {"Authorization": AUTHORIZATION}
NGINX, NGINX_AUTH = "nginx", "nginx, htpasswd"
NGINXES = (NGINX, NGINX_AUTH)


class Contestant(NamedTuple):
    """A server that runs, over the corpus.

    ``simple``    the URL of its index, ended by a slash
    ``uploads``   where files are posted, None if it takes none
    ``signs_in``  whether it asks for credentials; they are sent to each all the same
    ``started``   seconds from its start to its first answer
    """

    name: str
    pid: int
    simple: str
    uploads: str | None
    signs_in: bool

    def url(self, project: str, filename: str = "") -> str:
        """Of a project's page, or of a file as this project and nginx have them."""
        return f"{self.simple}{project}/{filename}"

    def with_credentials(self) -> str:
        """The index URL as clients are given it."""
        return self.simple.replace("://", f"://{USER}:{PASSWORD}@", 1)


def upload(contestant: Contestant, file: BuiltDistribution) -> None:
    """twine's POST. Raises ``OSError`` where it is refused."""
    assert contestant.uploads is not None
    post(contestant.uploads, file)


def post(url: str, file: BuiltDistribution, credentials: Mapping[str, str] = PLAIN) -> None:
    """Send the legacy form."""
    request = urllib.request.Request(  # noqa: S310
        url,
        forms.encode(forms.parts(file)),
        {"Content-Type": forms.CONTENT_TYPE, **credentials},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        answer.read()


FILL_WITHIN = 180
"""Seconds."""

Fail = Callable[[str, object], None]


@contextmanager
def all_running(
    corpus: Corpus, store: Path, folder: Path, fail: Fail, *, everything: bool
) -> Iterator[list[Contestant]]:
    """Every server that can be started; ``fail`` is told of the others. With ``everything`` devpi is given
    the project of 2,000 files as well, as far as it takes it within ``FILL_WITHIN``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        found = [stack.enter_context(wheelyard(store, folder))]
        starts: list[tuple[str, Callable[[], Contestant]]] = [
            (NGINX, lambda: stack.enter_context(nginx(corpus, store, folder, credentials=False))),
            (
                NGINX_AUTH,
                lambda: stack.enter_context(nginx(corpus, store, folder, credentials=True)),
            ),
            ("pypiserver", lambda: stack.enter_context(pypiserver(corpus, folder))),
            (
                "simple-repository-server",
                lambda: stack.enter_context(simple_repository(corpus, folder)),
            ),
            (
                "devpi",
                lambda: stack.enter_context(devpi(corpus, folder, fail, everything=everything)),
            ),
            ("proxpi", lambda: stack.enter_context(proxpi(folder, found[1].simple))),
        ]
        for name, start in starts:
            try:
                found.append(start())
            except (RuntimeError, OSError, IndexError, ValueError) as error:
                fail(name, error)
        yield found


def environment() -> dict[str, str]:
    """What this project's processes need."""
    return machine.plain_environment() | {
        "PYTHONPATH": str(ROOT / "layers/wheelyard"),
        "UPSTREAM_INDEX_URL": "none",
    }


def wheelyard_command(store: Path, port: int) -> list[str]:
    """As `make serve` runs it."""
    options = ["--store", str(store), "--port", str(port)]
    return [sys.executable, "-m", "wheelyard", "serve", *options]


@contextmanager
def wheelyard(store: Path, folder: Path) -> Iterator[Contestant]:
    """This project, as `make serve` runs it: one process, with its log written."""
    Users(DirectoryStore(store)).put(USER, PASSWORD, upload=True)
    port = free_port()
    command = wheelyard_command(store, port)
    with machine.server(command, folder / "wheelyard.log", port, environment()) as process:
        origin = f"http://127.0.0.1:{port}/"
        yield Contestant("wheelyard", process.pid, f"{origin}simple/", f"{origin}legacy/", True)


@contextmanager
def nginx(corpus: Corpus, store: Path, folder: Path, *, credentials: bool) -> Iterator[Contestant]:
    """nginx over pages that exist, compressed as well: what serving files can be at best."""
    name = NGINX_AUTH if credentials else NGINX
    found = executable()
    if found is None:
        raise RuntimeError("nginx is not installed (apt install nginx-light)")
    root = folder / "pages"
    if not root.exists():
        render(corpus, store, root)
    place = folder / ("nginx-auth" if credentials else "nginx-open")
    place.mkdir()
    port = free_port()
    configuration = place / "nginx.conf"
    configuration.write_text(_nginx(place, root, port, credentials=credentials))
    command = [found, "-p", str(place), "-c", str(configuration), "-e", "stderr"]
    with machine.server(command, place / "log", port, {}) as process:
        yield Contestant(name, process.pid, f"http://127.0.0.1:{port}/simple/", None, credentials)


def _page(folder: Path, form: str, body: bytes) -> None:
    (folder / f"index.{form}").write_bytes(body)
    (folder / f"index.{form}.gz").write_bytes(gzip.compress(body, 3))


def render(corpus: Corpus, store: Path, root: Path) -> None:
    """The pages that the store holds, as files, and links to the corpus' files."""
    documents = sorted((store / "projects").glob("*.json"))
    names = [document.stem for document in documents]
    (root / "simple").mkdir(parents=True)
    _page(root / "simple", "json", root_json(names))
    _page(root / "simple", "html", root_html(names))
    for document in documents:
        folder = root / "simple" / document.stem
        folder.mkdir()
        raw = document.read_bytes()
        forms = {"json": raw, "html": project_html(parse_project(raw), "")}
        for form, body in forms.items():
            _page(folder, form, body)
        for path in (corpus.packages / document.stem).iterdir():
            (folder / path.name).symlink_to(path)
            metadata = store / "packages" / document.stem / f"{path.name}.metadata"
            if metadata.exists():
                (folder / metadata.name).symlink_to(metadata)


def _nginx(place: Path, root: Path, port: int, *, credentials: bool) -> str:
    from passlib.hash import apr_md5_crypt

    (place / "htpasswd").write_text(f"{USER}:{apr_md5_crypt.hash(PASSWORD)}\n")
    signs_in = f'auth_basic "index"; auth_basic_user_file {place}/htpasswd;' if credentials else ""
    temporary = "".join(
        f"{kind}_temp_path {place}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    return f"""\
daemon off; master_process off; worker_processes 1; {user} pid {place}/pid;
events {{ worker_connections 512; }}
http {{
    access_log {place}/access.log; {temporary}
    sendfile on; tcp_nopush on; keepalive_requests 1000000; etag on; gzip_static on;
    map $http_accept $form {{ default html; "~simple.v1.json" json; }}
    types {{ application/vnd.pypi.simple.v1+json json; text/html html; }}
    default_type application/octet-stream;
    server {{
        listen 127.0.0.1:{port}; root {root}; {signs_in}
        location ~ ^/simple/([^/]+/)?$ {{ try_files "${{uri}}index.$form" =404; }}
        location / {{ gzip_static off; }}
    }}
}}
"""


@contextmanager
def pypiserver(corpus: Corpus, folder: Path) -> Iterator[Contestant]:
    """pypiserver over a directory of its own, since uploads go there, with the same credentials."""
    from passlib.hash import apr_md5_crypt

    home = Environment("pypiserver")
    files = folder / "pypiserver"
    files.mkdir()
    for path in corpus.packages.glob("*/*"):
        (files / path.name).hardlink_to(path)
    (folder / "htpasswd").write_text(f"{USER}:{apr_md5_crypt.hash(PASSWORD)}\n")
    port = free_port()
    options = f"-p {port} -i 127.0.0.1 -a update,list,download --disable-fallback".split()
    command: list[str | Path] = [
        home.bin / "pypi-server",
        "run",
        *options,
        "-P",
        folder / "htpasswd",
        files,
    ]
    with machine.server(command, folder / "pypiserver.log", port, {}) as process:
        origin = f"http://127.0.0.1:{port}/"
        yield Contestant("pypiserver", process.pid, f"{origin}simple/", origin, True)


@contextmanager
def simple_repository(corpus: Corpus, folder: Path) -> Iterator[Contestant]:
    """simple-repository-server over the corpus; it knows neither credentials nor uploads."""
    home = Environment("simple-repository-server")
    port = free_port()
    command: list[str | Path] = [
        *(home.bin / "simple-repository-server", "--host", "127.0.0.1", "--port", str(port)),
        corpus.packages,
    ]
    name = "simple-repository-server"
    with machine.server(command, folder / f"{name}.log", port, {}) as process:
        yield Contestant(name, process.pid, f"http://127.0.0.1:{port}/simple/", None, False)


@contextmanager
def proxpi(folder: Path, upstream: str) -> Iterator[Contestant]:
    """proxpi, which offers what another index has, kept in memory; it knows no credentials."""
    home = Environment("proxpi")
    port = free_port()
    command: list[str | Path] = [
        *(home.bin / "gunicorn", "--workers", "1", "--threads", "4", "--bind", f"127.0.0.1:{port}"),
        "proxpi.server:app",
    ]
    env = {"PROXPI_INDEX_URL": upstream, "PATH": f"{home.bin}:{os.environ['PATH']}"}
    with machine.server(command, folder / "proxpi.log", port, env) as process:
        yield Contestant("proxpi", process.pid, f"http://127.0.0.1:{port}/index/", None, False)


@contextmanager
def devpi(corpus: Corpus, folder: Path, fail: Fail, *, everything: bool) -> Iterator[Contestant]:
    """devpi with one index, filled by uploads: the projects that are asked for and installed."""
    home = Environment("devpi-server")
    data = folder / "devpi"
    port = free_port()
    log = folder / "devpi.log"
    machine.spawn([home.bin / "devpi-init", "--serverdir", data, "--no-root-pypi"], log, {}).wait()
    command: list[str | Path] = [
        home.bin / "devpi-server",
        "--serverdir",
        data,
        "--port",
        str(port),
    ]
    with machine.server([*command, "--host", "127.0.0.1"], log, port, {}) as process:
        origin = f"http://127.0.0.1:{port}/"
        index = f"{origin}{USER}/main/"
        _json(f"{origin}{USER}", "PUT", {"password": PASSWORD})
        token = _json(f"{origin}+login", "POST", {"user": USER, "password": PASSWORD})
        secret = b64encode(f"{USER}:{token['result']['password']}".encode()).decode()
        # By a token: it would compute the password's hash for every file.
        credentials = {"X-Devpi-Auth": secret}
        settings = {"type": "stage", "bases": [], "volatile": True}
        _json(index, "PUT", settings, credentials)
        for project in (TYPICAL, *SINGLE, *RESOLVED, LARGE, HUGE):
            for path in sorted((corpus.packages / project).iterdir()):
                post(index, BuiltDistribution(path.name, path.read_bytes()), credentials)
        if everything:
            _fill(index, corpus, credentials, fail)
        yield Contestant("devpi", process.pid, f"{index}+simple/", index, True)


def _fill(index: str, corpus: Corpus, credentials: Mapping[str, str], fail: Fail) -> None:
    """Give devpi the large project, of which each file takes it longer than the one before."""
    started = time.monotonic()
    paths = sorted((corpus.packages / MANY).iterdir())
    for number, path in enumerate(paths):
        if time.monotonic() - started > FILL_WITHIN:
            fail("devpi", f"took {number} of {len(paths)} files of one project in {FILL_WITHIN} s")
            return
        post(index, BuiltDistribution(path.name, path.read_bytes()), credentials)


def _json(
    url: str, method: str, document: object, headers: Mapping[str, str] | None = None
) -> dict[str, dict[str, str]]:
    sent = {"Content-Type": "application/json", **(headers or {})}
    request = urllib.request.Request(  # noqa: S310
        url, json.dumps(document).encode(), sent, method=method
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        found: dict[str, dict[str, str]] = json.loads(answer.read())
        return found
