"""Lambda: cold starts of every handler as a process, and what warm ones spend on each kind of request."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import lambdas
import machine
import runtime_api
from contestants import PASSWORD, USER
from corpus import MANY, TYPICAL, Corpus, sized
from environments import ROOT, UV, Environment
from lambda_functions import EDGE, REQUEST, Function, build_edge, functions, page, upstream
from samples import OURS, Samples
from servers import S3Server
from wheelyard.access.rights import rights
from wheelyard.access.tokens import Tokens
from wheelyard.access.users import Users
from wheelyard.storage.opening import open_bucket

COLD, WARM = "cold start", "handler"
BOTO3, FASTAPI = "boto3 control", "FastAPI control"

BARE = f"{OURS}, no byte code"


# Amazon Linux has the authorities that an S3 client trusts in one file. Debian has a directory of them too,
# which would be read as well.
_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
AUTHORITIES = {"SSL_CERT_FILE": str(_BUNDLE)} if _BUNDLE.exists() else {}


class Setting(NamedTuple):
    """A bucket with the corpus' documents, and the environment of a function that has it."""

    environ: dict[str, str]
    corpus: Corpus
    token: str


def prepare(server: S3Server, store: Path, corpus: Corpus) -> Setting:
    """Put into a new bucket what handlers are asked for."""
    environ = lambdas.environment(server, server.new_bucket(), UPSTREAM_INDEX_URL="none")
    environ["AWS_DEFAULT_REGION"] = environ["AWS_REGION"]
    bucket = open_bucket(environ, 900)
    Users(bucket).put(USER, PASSWORD, upload=True)
    token = Tokens(bucket, time.time).create(USER, rights()).secret
    wanted = [store / "projects" / f"{name}.json" for name in (TYPICAL, MANY)]
    wanted += [*(store / "catalogue").iterdir(), *(store / "packages" / TYPICAL).iterdir()]
    for path in wanted:
        bucket.put(str(path.relative_to(store)), path.read_bytes())
    return Setting(environ, corpus, token)


def build(folder: Path) -> Path:
    """The layer as `sam build` makes it. Raises ``RuntimeError``."""
    layer = folder / "layer"
    shutil.copytree(ROOT / "layers/wheelyard", layer)
    artifact = folder / "artifact"
    done = subprocess.run(
        ["make", "-C", layer, "build-LayerX8664", f"ARTIFACTS_DIR={artifact}", f"UV={UV}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the layer cannot be built: {done.stderr[-300:]}")
    return artifact / "python"


def without_byte_code(artifact: Path) -> Path:
    """A copy of the artifact that a package without byte code would be."""
    bare = artifact.parent / "bare"
    shutil.copytree(artifact, bare, ignore=shutil.ignore_patterns("__pycache__"))
    return bare


class Way(NamedTuple):
    """A function's handler in its environment: which Python, what is on its path, where its module is."""

    who: str
    function: Function
    python: Path
    path: str
    folder: Path
    module: str = "app"

    @property
    def what(self) -> str:
        """The function's name, and which of its events."""
        return self.function.name + self.function.detail


def ways(samples: Samples, setting: Setting, folder: Path) -> list[Way]:
    """Every handler that is started, and how."""
    found = functions(setting.corpus, setting.environ["BUCKET"], setting.token)
    python = machine.lambda_python()
    if python is None:
        samples.fail(COLD, "built artifact", OURS, "there is no Python 3.13, which is Lambda's")
    chosen = python or Path(sys.executable)
    boto3, fastapi = Environment("boto3", chosen), Environment("fastapi", chosen)
    # Of an environment, as the controls have: what else is installed may import modules at every start.
    own = Environment("awslambdaric", chosen).python if python else chosen
    controls, request = Path(__file__).parent / "controls", found[0]
    ways = [
        Way(BOTO3, request, boto3.python, "", controls, "boto3_handler"),
        Way(FASTAPI, request, fastapi.python, "", controls, "fastapi_handler"),
    ]
    artifact = build(folder) if python else ROOT / "layers/wheelyard"
    for function in found:
        home, path = ROOT / "functions" / function.name, str(artifact)
        if function.name == EDGE:
            if python is None:
                continue
            region = setting.environ["AWS_REGION"]
            home = build_edge(folder, setting.environ["BUCKET"], region, python)
            path = str(home)
        if function.boto3:
            path += f":{boto3.packages}"
        ways.append(Way(OURS, function, own, path, home))
    if python is not None:
        bare = without_byte_code(artifact)
        ways.append(Way(BARE, request, own, str(bare), ROOT / "functions" / REQUEST))
    return ways


def cold(samples: Samples, setting: Setting, folder: Path, times: int) -> None:
    """Start every handler so often, in turn, each in a new process, and let it answer once."""
    chosen = ways(samples, setting, folder)
    # No two starts are given the same event: what the client starts is numbered after the others.
    with upstream(2 * times + 1) as mirrored:
        environ = {**setting.environ, **mirrored, **AUTHORITIES}
        for turn in range(times + 1):
            for way in chosen:
                _imported(samples, way, environ, turn, noted=turn > 0)
        for turn in range(times):
            for way in chosen:
                _by_the_client(samples, way, environ, times + 1 + turn)


def _imported(
    samples: Samples, way: Way, environ: Mapping[str, str], turn: int, *, noted: bool
) -> None:
    """Not ``noted``: the files are read from the disk."""
    try:
        found = _start(way, environ, way.function.event(turn))
    except (ValueError, OSError) as error:
        samples.fail(COLD, way.what, way.who, error)
        return
    for key in ("import", "first answer") if noted else ():
        samples.add(COLD, f"{way.what}: {key}", way.who, "ms", found[key] * 1e3)
        samples.add(COLD, f"{way.what}: {key}", way.who, "ms CPU", found[f"{key} CPU"] * 1e3)


def _by_the_client(samples: Samples, way: Way, environ: Mapping[str, str], turn: int) -> None:
    # The controls have it in their environments.
    client = Environment("awslambdaric", machine.lambda_python() or Path(sys.executable)).packages
    path = f"{client}:{way.path}" if way.path else ""
    try:
        done = runtime_api.invoke(
            way.python,
            way.folder,
            f"{way.module}.{way.function.handler}",
            way.function.event(turn),
            {**environ, "PYTHONPATH": path},
        )
    except (ValueError, OSError) as error:
        samples.fail(COLD, f"{way.what}, runtime interface client", way.who, error)
        return
    label = f"{way.what}: process to answer, runtime interface client"
    samples.add(COLD, label, way.who, "ms", done.wall * 1e3)
    samples.add(COLD, label, way.who, "ms CPU", done.cpu * 1e3)


def _start(way: Way, environ: Mapping[str, str], event: Any) -> dict[str, float]:
    done = subprocess.run(
        [
            *("taskset", "-c", str(machine.SERVER_CORE), str(way.python)),
            *(str(Path(__file__).with_name("cold_start.py")), str(way.folder), way.module),
            way.function.handler,
        ],
        input=json.dumps(event),
        capture_output=True,
        text=True,
        check=False,
        env={
            **machine.plain_environment(),
            **environ,
            "PYTHONPATH": way.path,
            "PYTHONDONTWRITEBYTECODE": "1",
        },
    )
    if done.returncode:
        raise ValueError(done.stderr[-300:])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    if found["status"] != 200:
        raise ValueError(f"answered {found['status']}")
    return found


def warm(samples: Samples, setting: Setting, rounds: int, turns: int) -> None:
    """What a process spends on each kind of request that is not its first."""
    wheel = setting.corpus.file(TYPICAL)
    typical, many = f"projects/{TYPICAL}.json", f"projects/{MANY}.json"
    for turn in range(turns):
        asked = {
            "reads": [
                {"what": "typical page", "event": page(f"/simple/{TYPICAL}/"), "status": 200},
                {
                    "what": "2,000-file page",
                    "event": page(f"/simple/{MANY}/", gzip=True),
                    "status": 200,
                },
                {
                    "what": "2,000-file page, not compressed",
                    "event": page(f"/simple/{MANY}/"),
                    "status": 200,
                },
                {
                    "what": "2,000-file page, just changed, not compressed",
                    "event": page(f"/simple/{MANY}/"),
                    "status": 200,
                    "touch": many,
                },
                {
                    "what": "2,000-file page, just changed",
                    "event": page(f"/simple/{MANY}/", gzip=True),
                    "status": 200,
                    "touch": many,
                },
                {
                    "what": "304",
                    "event": page(f"/simple/{TYPICAL}/"),
                    "status": 304,
                    "conditional": True,
                },
                {"what": "404", "event": page("/simple/nobody-has-this/"), "status": 404},
                {
                    "what": "file redirect",
                    "event": page(f"/simple/{TYPICAL}/{wheel}"),
                    "status": 302,
                },
                {"what": "root", "event": page("/simple/"), "status": 200},
            ],
            "uploads": [
                {"what": f"upload of {label}", "events": _uploads(size, turn, 5)}
                for label, size in (("20 kB", 20_000), ("4 MB", 4_000_000))
            ],
            "bare": {"typical page": typical, "2,000-file page": many},
        }
        done = subprocess.run(
            [
                *("taskset", "-c", str(machine.SERVER_CORE), sys.executable),
                *(str(Path(__file__).with_name("handler_work.py")), str(rounds)),
            ],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            check=False,
            env={
                **machine.plain_environment(),
                **setting.environ,
                "PYTHONPATH": str(ROOT / "layers/wheelyard"),
            },
        )
        if done.returncode:
            samples.fail(WARM, "all kinds", OURS, done.stderr[-300:])
            return
        for what, (cpu, wall) in json.loads(done.stdout.splitlines()[-1]).items():
            samples.add(WARM, what, OURS, "ms CPU", cpu * 1e3)
            samples.add(WARM, what, OURS, "ms", wall * 1e3)


def _uploads(size: int, turn: int, number: int) -> list[Any]:
    made = []
    for each in range(number):
        name = f"warm-{size}-{turn}-{each}"
        made.append(lambdas.upload(name, sized(name, "1.0", size), USER, PASSWORD))
    return made
