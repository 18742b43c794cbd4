"""Lambda's runtime API for one invocation, as the runtime interface client asks for it.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import machine


class Invoked(NamedTuple):
    """Seconds from the start of the process to its answer, on the clock and of CPU, and the answer."""

    wall: float
    cpu: float
    answer: object


def invoke(
    python: Path, folder: Path, handler: str, event: object, env: Mapping[str, str]
) -> Invoked:
    """Start the client for ``handler``, such as ``app.handler``, in ``folder``, and give it one event.

    Raises ``ValueError`` if there is no answer within 10 seconds, or an error.
    """
    answered = threading.Event()
    found: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if found:
                answered.wait(30)
                time.sleep(1)
            body = json.dumps(event).encode()
            self.send_response(200)
            self.send_header(
                "Lambda-Runtime-Aws-Request-Id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
            )
            self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:::function:f")
            self.send_header("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1000) + 30_000))
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            found.append((self.path, body))
            answered.set()
            self.send_response(202)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """The process is killed while it asks for a second event."""

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    variables = {
        **machine.plain_environment(),
        **env,
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}",
        "LAMBDA_TASK_ROOT": str(folder),
        "_HANDLER": handler,
        "AWS_LAMBDA_FUNCTION_NAME": "f",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    started = time.perf_counter()
    process = subprocess.Popen(
        [
            "taskset",
            "-c",
            str(machine.SERVER_CORE),
            str(python),
            "-m",
            "awslambdaric",
            handler,
        ],
        cwd=folder,
        env=variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    came = answered.wait(10)
    wall = time.perf_counter() - started
    os.kill(process.pid, signal.SIGKILL)  # Popen.kill would take the figures, should it have ended
    used = os.wait4(process.pid, 0)[2]
    process.returncode = -9
    server.shutdown()
    server.server_close()
    if not came or not found[0][0].endswith("/response"):
        said = (
            found[0][1].decode()
            if found
            else (process.stderr.read().decode() if process.stderr else "")
        )
        raise ValueError(f"no answer by the runtime interface client: {said[-300:]}")
    return Invoked(wall, used.ru_utime + used.ru_stime, json.loads(found[0][1]))
