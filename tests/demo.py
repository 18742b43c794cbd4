"""Publish a package and install it, from start to finish, on an index that lasts as long as this runs."""
# ruff: noqa: T201

import shlex
import signal
import sys
import tempfile
import time
from pathlib import Path

from running import Account, Index
from workstation import Workstation

# Seconds for everything; on an idle machine it takes ten.
PATIENCE = 300

PROJECT = {
    "pyproject.toml": """\
[build-system]
requires = ["flit_core >=3.11"]
build-backend = "flit_core.buildapi"

[project]
name = "hello-wheelyard"
version = "1.0"
description = "A package that says hello"
requires-python = ">=3.9"
""",
    "hello_wheelyard/__init__.py": '''\
"""A package that says hello."""


def greeting(name: str) -> str:
    return f"Hello, {name}!"
''',
}
GREETING = 'hello_wheelyard.greeting("world")'


class Demo:
    """The steps, told as they are taken."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.home.mkdir()
        self.workstation = Workstation(self.home)
        self.index = Index(folder)
        self.account = Account("", "")
        self._steps = 0

    def run(self) -> None:
        """All steps; the server is gone afterwards, whatever happens."""
        try:
            self.start()
            self.build()
            self.publish()
            self.install_with_pip()
            self.install_with_uv()
            self.stop()
        finally:
            self.index.kill()

    def start(self) -> None:
        self.step("Start an index on a free port, in an empty directory")
        self.index.start()
        self.tell(f"$ wheelyard serve --store {self.index.location} --port {self.index.port}")
        (line,) = [line for line in self.index.printed().splitlines() if "first user" in line]
        self.account = Account(*line.split()[-2:])
        self.tell(f"It answers on {self.index.url} and has made a user, {self.account.name!r}.")

    def build(self) -> None:
        self.step("Build a small project")
        for path, content in PROJECT.items():
            file = self.home / "hello" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        self.command("flit", "build")

    def publish(self) -> None:
        self.step("Publish it with twine")
        address = ("--repository-url", self.index.upload_url)
        user = ("-u", self.account.name, "-p", self.account.password)
        self.command(
            "twine", "upload", "--disable-progress-bar", *address, *user, *self.distributions()
        )
        for file in self.index.page("hello-wheelyard", self.account)["files"]:
            self.tell(f"{file['filename']} is listed, sha256 {file['hashes']['sha256'][:16]}…")

    def install_with_pip(self) -> None:
        self.step("Install it with pip into a fresh environment, and use it")
        python = self.home / "with-pip/bin/python"
        self.command(sys.executable, "-m", "venv", self.home / "with-pip")
        source = ("--index-url", self.index.simple_url(self.account))
        self.command(python, "-m", "pip", "install", *source, "hello-wheelyard")
        self.use(python)

    def install_with_uv(self) -> None:
        self.step("Install it with uv into another, and use it")
        python = self.home / "with-uv/bin/python"
        self.command("uv", "venv", "--python", sys.executable, self.home / "with-uv")
        source = ("--default-index", self.index.simple_url(self.account))
        self.command("uv", "pip", "install", "--python", python, *source, "hello-wheelyard")
        self.use(python)

    def use(self, python: Path) -> None:
        said = self.command(python, "-c", f"import hello_wheelyard; print({GREETING})")
        if said.strip() != "Hello, world!":
            raise DemoFailed(f"the package says {said!r}")

    def stop(self) -> None:
        self.step("Stop the index")
        if self.index.stop() != 0:
            raise DemoFailed(f"the server did not stop cleanly:\n{self.index.log_text()}")
        requests = len([line for line in self.index.log_lines() if line["message"] == "request"])
        self.tell(f"It has stopped cleanly, after {requests} requests.")

    def distributions(self) -> list[str]:
        dist = self.home / "hello/dist"
        return sorted(f"dist/{path.name}" for path in dist.iterdir())

    def command(self, *words: str | Path) -> str:
        """Show a command, run it in the project's folder, show and return what it prints."""
        tool, *arguments = words
        self.tell("$ " + shlex.join([Path(tool).name, *map(str, arguments)]))
        ran = self.workstation.run(str(tool), *arguments, cwd=self.home / "hello")
        for line in ran.output.splitlines():
            self.tell(f"  {line}" if line else "")
        if ran.status != 0:
            raise DemoFailed(f"{tool} ended with status {ran.status}")
        return ran.output

    def step(self, title: str) -> None:
        self._steps += 1
        print(f"\n{self._steps}. {title}", flush=True)

    def tell(self, text: str) -> None:
        """Print a line, without the password, and with short paths."""
        if self.account.password:
            text = text.replace(self.account.password, "PASSWORD")
        print(f"   {text.replace(str(self.folder), '…')}".rstrip(), flush=True)


class DemoFailed(Exception):
    """A step did not do what it should."""


def too_slow(*_: object) -> None:
    raise DemoFailed(f"it took longer than {PATIENCE} seconds")


def main() -> int:
    """Run the demonstration; the exit status says whether it succeeded."""
    signal.signal(signal.SIGALRM, too_slow)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.alarm(PATIENCE)
    started = time.monotonic()
    print("Wheelyard: publish a package and install it.")
    try:
        with tempfile.TemporaryDirectory(prefix="wheelyard-demo-") as folder:
            Demo(Path(folder)).run()
    except (DemoFailed, RuntimeError, OSError, AssertionError) as error:
        print(f"\nThe demonstration failed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; nothing is left behind.", file=sys.stderr)
        return 130
    print(
        f"\nAll of it worked, in {time.monotonic() - started:.0f} seconds; nothing is left behind."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
