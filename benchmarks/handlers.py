"""Lambda: cold starts of every handler as a process, and what warm ones spend on each kind of request."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import lambdas
import machine
import runtime_api
from contestants import PASSWORD, USER
from corpus import MANY, TYPICAL, Corpus, sized
from environments import ROOT, UV, Environment
from samples import OURS, Samples
from servers import S3Server
from wheelyard.access.users import Users
from wheelyard.storage.opening import open_bucket

COLD, WARM = "cold start", "handler"
JSON = "application/vnd.pypi.simple.v1+json"
BOTO3, FASTAPI = "boto3 control", "FastAPI control"

REQUEST = "request"
SOURCE = f"{OURS}, from source"
BARE = f"{OURS}, no byte code"


class Setting(NamedTuple):
    """A bucket with the corpus' documents, and the environment of a function that has it."""

    environ: dict[str, str]
    corpus: Corpus


def prepare(server: S3Server, store: Path, corpus: Corpus) -> Setting:
    """Put into a new bucket what handlers are asked for."""
    environ = lambdas.environment(server, server.new_bucket(), UPSTREAM_INDEX_URL="none")
    environ["AWS_DEFAULT_REGION"] = environ["AWS_REGION"]
    bucket = open_bucket(environ, 900)
    Users(bucket).put(USER, PASSWORD, upload=True)
    wanted = [store / "projects" / f"{name}.json" for name in (TYPICAL, MANY)]
    wanted += [*(store / "catalogue").iterdir(), *(store / "packages" / TYPICAL).iterdir()]
    for path in wanted:
        bucket.put(str(path.relative_to(store)), path.read_bytes())
    return Setting(environ, corpus)


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
    """A handler in its environment: which Python, what is on its path, and where its module is."""

    who: str
    python: Path
    path: str
    folder: Path
    module: str


def ways(samples: Samples, folder: Path) -> list[tuple[str, Way]]:
    """Every handler that is started: what it is and how."""
    python = machine.lambda_python()
    if python is None:
        samples.fail(COLD, "built artifact", OURS, "there is no Python 3.13, which is Lambda's")
    chosen = python or Path(sys.executable)
    boto3, fastapi = Environment("boto3", chosen), Environment("fastapi", chosen)
    controls = Path(__file__).parent / "controls"
    found = [
        (REQUEST, Way(BOTO3, boto3.python, "", controls, "boto3_handler")),
        (REQUEST, Way(FASTAPI, fastapi.python, "", controls, "fastapi_handler")),
    ]
    source = str(ROOT / "layers/wheelyard")
    names = (REQUEST, "upload", "admin")
    if python is None:
        functions = [Way(OURS, chosen, source, ROOT / "functions" / name, "app") for name in names]
        return [*zip(names, functions, strict=True), *found]
    artifact = build(folder)
    bare = without_byte_code(artifact)
    for name in names:
        home = ROOT / "functions" / name
        # boto3 is Lambda's own, there; the admin function alone imports it.
        there = f":{boto3.packages}" if name == "admin" else ""
        found.append((name, Way(OURS, python, f"{artifact}{there}", home, "app")))
        if name == REQUEST:
            found.append((name, Way(BARE, python, str(bare), home, "app")))
    return found


def cold(samples: Samples, setting: Setting, folder: Path, times: int) -> None:
    """Start every handler so often, in turn, each in a new process, and let it answer once."""
    chosen = ways(samples, folder)
    for turn in range(times + 1):
        for what, way in chosen:
            event = _event(what, turn)
            try:
                found = _start(way, setting.environ, event)
            except (ValueError, OSError) as error:
                samples.fail(COLD, what, way.who, error)
                continue
            if turn == 0:  # the files are read from the disk
                continue
            for key, unit in (("import", "ms"), ("first answer", "ms")):
                samples.add(COLD, f"{what}: {key}", way.who, unit, found[key] * 1e3)
                samples.add(COLD, f"{what}: {key}", way.who, "ms CPU", found[f"{key} CPU"] * 1e3)
    _by_the_client(samples, setting, chosen, folder, times)


def _by_the_client(
    samples: Samples, setting: Setting, chosen: list[tuple[str, Way]], folder: Path, times: int
) -> None:
    # The controls have it in their environments.
    client = Environment("awslambdaric", machine.lambda_python() or Path(sys.executable)).packages
    for turn in range(times):
        for what, way in chosen:
            if what != REQUEST:
                continue
            home = folder / f"ric-{way.who.split()[0]}-{way.module}-{len(way.path)}"
            if not home.exists():
                home.mkdir()
                shutil.copy(way.folder / f"{way.module}.py", home / "app.py")
            path = f"{client}:{way.path}" if way.path else ""
            try:
                done = runtime_api.invoke(
                    way.python, home, _event(what, turn), setting.environ | {"PYTHONPATH": path}
                )
            except (ValueError, OSError) as error:
                samples.fail(COLD, "runtime interface client", way.who, error)
                continue
            label = f"{what}: process to answer, runtime interface client"
            samples.add(COLD, label, way.who, "ms", done.wall * 1e3)
            samples.add(COLD, label, way.who, "ms CPU", done.cpu * 1e3)


def _start(way: Way, environ: Mapping[str, str], event: Any) -> dict[str, float]:
    done = subprocess.run(
        [
            *("taskset", "-c", str(machine.SERVER_CORE), str(way.python)),
            *(str(Path(__file__).with_name("cold_start.py")), str(way.folder), way.module),
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


def _event(what: str, turn: int) -> Any:
    if what == "upload":
        wheel = sized(f"cold-{turn}-{os.getpid()}", "1.0", 20_000)
        return lambdas.upload(f"cold-{turn}-{os.getpid()}", wheel, USER, PASSWORD)
    if what == "admin":
        return {"listUsers": {}}
    return _get(f"/simple/{TYPICAL}/")


def _get(path: str, *, gzip: bool = False) -> Any:
    event = lambdas.get(path, USER, PASSWORD, JSON)
    if gzip:
        event["headers"]["accept-encoding"] = "gzip"
    return event


def warm(samples: Samples, setting: Setting, rounds: int, turns: int) -> None:
    """What a process spends on each kind of request that is not its first."""
    wheel = setting.corpus.file(TYPICAL)
    typical, many = f"projects/{TYPICAL}.json", f"projects/{MANY}.json"
    for turn in range(turns):
        asked = {
            "reads": [
                {"what": "typical page", "event": _get(f"/simple/{TYPICAL}/"), "status": 200},
                {
                    "what": "2,000-file page",
                    "event": _get(f"/simple/{MANY}/", gzip=True),
                    "status": 200,
                },
                {
                    "what": "2,000-file page, not compressed",
                    "event": _get(f"/simple/{MANY}/"),
                    "status": 200,
                },
                {
                    "what": "2,000-file page, just changed, not compressed",
                    "event": _get(f"/simple/{MANY}/"),
                    "status": 200,
                    "touch": many,
                },
                {
                    "what": "2,000-file page, just changed",
                    "event": _get(f"/simple/{MANY}/", gzip=True),
                    "status": 200,
                    "touch": many,
                },
                {
                    "what": "304",
                    "event": _get(f"/simple/{TYPICAL}/"),
                    "status": 304,
                    "conditional": True,
                },
                {"what": "404", "event": _get("/simple/nobody-has-this/"), "status": 404},
                {
                    "what": "file redirect",
                    "event": _get(f"/simple/{TYPICAL}/{wheel}"),
                    "status": 302,
                },
                {"what": "root", "event": _get("/simple/"), "status": 200},
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
