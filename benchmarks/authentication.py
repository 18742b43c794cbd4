"""What it costs to be let in or refused: passwords, tokens, and what a stranger can tell by the clock.

    python benchmarks/authentication.py [TRIES]

Unknown users and wrong passwords are tried in turns, so that whatever else the machine does falls on both.
"""

import argparse
import statistics
import time
from base64 import b64encode
from collections.abc import Callable
from contextlib import suppress

from obstore.store import MemoryStore

from wheelyard.access.apitoken import parse_token
from wheelyard.access.authentication import Authenticator, Clock
from wheelyard.access.rights import rights
from wheelyard.access.tokens import Tokens
from wheelyard.access.users import Users
from wheelyard.errors import Unauthenticated
from wheelyard.storage.objects import ObjectStore

MICROSECOND = 1e-6


def basic(username: str, password: str) -> str:
    """An Authorization header."""
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()


def timed(call: Callable[[], object]) -> float:
    """Microseconds that a call took, whether it is refused or not."""
    started = time.perf_counter()
    with suppress(Unauthenticated):
        call()
    return (time.perf_counter() - started) / MICROSECOND


def line(name: str, times: list[float]) -> str:
    """A row of the report."""
    times = sorted(times)
    low, middle, high = times[len(times) // 20], statistics.median(times), times[-len(times) // 20]
    return f"  {name:<44}{middle:12.1f}{low:12.1f}{high:12.1f}"


def main() -> None:
    """Print the report."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("tries", nargs="?", type=int, default=200)
    tries = options.parse_args().tries

    store = ObjectStore(MemoryStore())
    clock = Clock(time.monotonic, time.time)
    Users(store).put("ann", "correct horse battery staple")
    tokens = Tokens(store, time.time)
    secrets = [tokens.create("ci", rights()).secret for _ in range(tries)]
    made = [token for token in map(parse_token, secrets) if token is not None]
    records = [tokens.find(token) for token in made]
    authenticator = Authenticator(store, clock)
    identify = authenticator.identify

    unknown, wrong = [], []
    for number in range(tries):
        unknown.append(timed(lambda n=number: identify(basic(f"user{n}", f"wrong{n}"))))  # type: ignore[misc]
        wrong.append(timed(lambda n=number: identify(basic("ann", f"wrong{n}"))))  # type: ignore[misc]

    right = basic("ann", "correct horse battery staple")
    first = timed(lambda: identify(right))
    again = [timed(lambda: identify(right)) for _ in range(tries)]
    cold = [timed(lambda s=secret: identify(basic("__token__", s))) for secret in secrets]  # type: ignore[misc]
    checks = []
    for token, record in zip(made, records, strict=True):
        assert record is not None
        digest = record.digest
        checks.append(timed(lambda t=token, d=digest: (parse_token(t.text), t.has_digest(d))))  # type: ignore[misc]

    print(f"{tries} tries each, microseconds:{'median':>18}{'5 %':>12}{'95 %':>12}")
    print(line("refused: unknown user", unknown))
    print(line("refused: wrong password", wrong))
    difference = statistics.median(unknown) - statistics.median(wrong)
    spread = statistics.pstdev(unknown + wrong)
    print(
        f"  their medians differ by {difference:.0f}; one try differs from the next by {spread:.0f}"
    )
    print(f"  {'let in: the password, first time':<44}{first:12.1f}")
    print(line("let in: the password, remembered", again))
    print(line("let in: a token, first time (memory store)", cold))
    print(line("of which parsing and comparing the token", checks))


if __name__ == "__main__":
    main()
