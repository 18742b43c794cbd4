"""One machine: how fast every server answers, what it costs, and how much memory it takes."""

import time
import urllib.error
import urllib.request
from pathlib import Path

import client
import machine
from contestants import (
    AUTHORIZATION,
    Contestant,
    environment,
    upload,
    wheelyard_command,
)
from corpus import HUGE, LARGE, MANY, SINGLE, TYPICAL, Corpus, sized, tiny
from distributions import BuiltDistribution
from running import free_port
from samples import OURS, Samples

SECTION = "one machine"
JSON = "application/vnd.pypi.simple.v1+json"
CONNECTIONS = 16

PAGE, PAGE_ALONE = "typical page", "typical page, one connection"
MANY_PAGE, MANY_PLAIN = "2,000-file page", "2,000-file page, not compressed"
NOT_MODIFIED, ABSENT, ROOT = "304", "404, the same again", "root"
SMALL_FILE, LARGE_FILE, DOWNLOAD = "20 kB file", "5 MB file", "50 MB file"
UPLOAD = "upload of a tiny wheel"
LATE = "uploads not listed at once"
# Bytes; a third as many of the larger.
UPLOADED = {"upload of 20 kB": 20_000, "upload of 4 MB": 4_000_000}


def headers(*, gzip: bool = True, **others: str) -> dict[str, str]:
    """What uv sends, as far as it matters."""
    sent = {"Authorization": AUTHORIZATION, "Accept": JSON}
    return {**sent, **({"Accept-Encoding": "gzip"} if gzip else {}), **others}


def measure(
    samples: Samples, found: list[Contestant], corpus: Corpus, seconds: float, rounds: int
) -> None:
    """Every kind of request, in rounds, so that what disturbs one disturbs all."""
    for each in found:
        samples.add(SECTION, "memory, idle", each.name, "MB", machine.usage(each.pid).memory / 1e6)
    kinds = {
        PAGE: (TYPICAL, "", headers(), CONNECTIONS),
        PAGE_ALONE: (TYPICAL, "", headers(), 1),
        MANY_PAGE: (MANY, "", headers(), 4),
        MANY_PLAIN: (MANY, "", headers(gzip=False), 4),
        NOT_MODIFIED: (TYPICAL, "", headers(), CONNECTIONS),
        ABSENT: ("nobody-has-this", "", headers(), CONNECTIONS),
        ROOT: ("", "", headers(), CONNECTIONS),
        SMALL_FILE: (SINGLE[0], corpus.file(SINGLE[0]), headers(gzip=False), CONNECTIONS),
        LARGE_FILE: (LARGE, corpus.file(LARGE), headers(gzip=False), 4),
        DOWNLOAD: (HUGE, corpus.file(HUGE), headers(gzip=False), 1),
    }
    for _ in range(rounds):
        for what, (project, filename, sent, connections) in kinds.items():
            for each in found:
                url = each.url(project, filename) if project else each.simple
                sent_here = dict(sent)
                try:
                    if filename and not _is_ours_or_nginx(each):
                        url = _file_url(each, project, filename)
                    if what == NOT_MODIFIED:
                        sent_here["If-None-Match"] = _tag(url, sent)
                    _one(samples, each, what, url, sent_here, seconds, connections)
                except (OSError, ValueError, LookupError) as error:
                    samples.fail(SECTION, what, each.name, error)
    for each in found:
        samples.add(
            SECTION, "memory, after load", each.name, "MB", machine.usage(each.pid).memory / 1e6
        )


def _one(
    samples: Samples,
    each: Contestant,
    what: str,
    url: str,
    sent: dict[str, str],
    seconds: float,
    connections: int,
) -> None:
    _check(url, sent, {NOT_MODIFIED: 304, ABSENT: 404}.get(what, 200))
    before = machine.usage(each.pid).cpu
    done = client.load(url, sent, seconds, connections)
    cpu = machine.usage(each.pid).cpu - before
    if done.requests == 0:
        raise ValueError(f"gave no answer to {connections} connections within {seconds:g} s")
    if done.broken or (done.failed and what != ABSENT):
        raise ValueError(f"{done.failed} requests failed, {done.broken} had no answer")
    name = each.name
    if what in (LARGE_FILE, DOWNLOAD):
        samples.add(SECTION, what, name, "MB/s", done.bytes / done.seconds / 1e6)
        return
    samples.add(SECTION, what, name, "requests/s", done.requests / done.seconds)
    samples.add(SECTION, what, name, "ms p50", done.p50)
    samples.add(SECTION, what, name, "ms p99", done.p99)
    samples.add(SECTION, what, name, "µs CPU", cpu / done.requests * 1e6)


def _is_ours_or_nginx(each: Contestant) -> bool:
    return each.name == OURS or each.name.startswith("nginx")


def _get(url: str, sent: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(url, headers=sent)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            found = {name.lower(): value for name, value in answer.headers.items()}
            return answer.status, found, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, {}, b""


def _check(url: str, sent: dict[str, str], expected: int) -> None:
    status, _, body = _get(url, sent)
    if status != expected:
        raise ValueError(f"answered {status} where {expected} is right")
    if expected == 200 and not body:
        raise ValueError("answered with nothing")


def _tag(url: str, sent: dict[str, str]) -> str:
    found = _get(url, sent)[1].get("etag")
    if not found:
        raise LookupError("its pages have no entity tag")
    return found


def _file_url(each: Contestant, project: str, filename: str) -> str:
    """As its own page has it."""
    from urllib.parse import urljoin

    from wheelyard.protocol.simple import parse_project

    url = each.url(project)
    status, found, body = _get(url, {"Authorization": AUTHORIZATION, "Accept": JSON})
    if status != 200:
        raise ValueError(f"its page of {project} answers {status}")
    if "json" in found.get("content-type", ""):
        links = {file.filename: file.url for file in parse_project(body).files}
    else:
        import re

        hrefs = re.findall(r'href="([^"#]+)', body.decode())
        links = {href.rpartition("/")[2]: href for href in hrefs}
    return urljoin(url, links[filename])


def uploads(samples: Samples, found: list[Contestant], number: int) -> None:
    """Wheels, one after the other, in turn; and whether each is listed when its answer has come."""
    takers = [each for each in found if each.uploads is not None]
    for turn in range(number):
        for each in takers:
            _upload(samples, each, UPLOAD, f"upload-{turn}", tiny(turn))
    for what, size in UPLOADED.items():
        for turn in range(max(number // 3, 3)):
            name = f"upload-{size}-{turn}"
            for each in takers:
                _upload(samples, each, what, name, sized(name, "1.0", size))


def _upload(
    samples: Samples, each: Contestant, what: str, project: str, wheel: BuiltDistribution
) -> None:
    try:
        started = time.perf_counter()
        upload(each, wheel)
        samples.add(SECTION, what, each.name, "ms", (time.perf_counter() - started) * 1e3)
        page = _get(each.url(project), {"Authorization": AUTHORIZATION})[2]
        late = float(wheel.filename.encode() not in page)
        samples.add(SECTION, LATE, each.name, "of each", late)
    except OSError as error:
        samples.fail(SECTION, what, each.name, error)


def first_answers(samples: Samples, store: Path, folder: Path, times: int) -> None:
    """From the start of this project's server as a process to its first page with credentials."""
    for _ in range(times):
        port = free_port()
        started = time.perf_counter()
        command = wheelyard_command(store, port)
        with machine.server(command, folder / "first.log", port, environment()) as process:
            _check(f"http://127.0.0.1:{port}/simple/{TYPICAL}/", headers(), 200)
            took = time.perf_counter() - started
            samples.add(SECTION, "start to first answer", OURS, "ms", took * 1e3)
            cpu = machine.usage(process.pid).cpu
            samples.add(SECTION, "start to first answer", OURS, "ms CPU", cpu * 1e3)
