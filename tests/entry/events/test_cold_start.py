"""An environment serves one front, and pays for no other when it starts."""

import subprocess
import sys
from pathlib import Path

import pytest

import wheelyard
from fronts import FRONTS
from fronts.wire import Sent

_PROGRAM = """
import sys
from wheelyard.entry.http import Response
before = set(sys.modules)
from wheelyard.entry.events import from_response, to_request
event = {event!r}
assert to_request(event, None).path == "/simple/acme-widgets/"
assert from_response(event, Response(200, (), b"page"))["body"] == "page"
print(*sorted(set(sys.modules) - before))
"""


def imported(front: str) -> set[str]:
    """The modules that one request through a front imports, beyond the HTTP vocabulary."""
    event = FRONTS[front].event(Sent(path="/simple/acme-widgets/"))
    run = subprocess.run(
        [
            sys.executable,
            "-I",
            "-c",
            f"import sys; sys.path.insert(0, {_ROOT!r})" + _PROGRAM.format(event=event),
        ],
        capture_output=True,
        check=True,
        text=True,
    )
    return set(run.stdout.split())


_ROOT = str(Path(wheelyard.__file__ or "").parents[1])


@pytest.mark.parametrize(
    ("front", "modules"),
    [
        ("function-url", {"payload2"}),
        ("rest-api", {"payload1", "payload2"}),
        ("alb-multi", {"alb"}),
        ("edge-viewer", {"edge"}),
    ],
)
def test_only_its_own_front(front: str, modules: set[str]) -> None:
    """An event imports the code of its own front, and not that of the others."""
    ours = {name.rpartition(".")[2] for name in imported(front) if "entry.events." in name}
    assert ours == modules | {"incoming", "outgoing"}
