"""The goals, each a ratio within one run on one machine, and whether it was reached."""

from collections.abc import Callable
from typing import NamedTuple

import growth
import handlers
import installing
import reindex_cost
import serving
from contestants import NGINX, NGINX_AUTH, NGINXES
from lambda_functions import BY_PASSWORD, REQUEST
from samples import OURS, Samples


class Goal(NamedTuple):
    """What is to be reached: a ratio of at most, or at least, so much."""

    what: str
    bound: float
    at_most: bool
    ratio: Callable[[Samples], float | None]

    def reached(self, value: float) -> bool:
        """Whether ``value`` is good enough."""
        return value <= self.bound if self.at_most else value >= self.bound


def _ratio(ours: float | None, theirs: float | None) -> float | None:
    return ours / theirs if ours is not None and theirs else None


def _peers(samples: Samples, section: str, what: str, unit: str) -> list[float]:
    """The medians of everybody's that is neither this project nor nginx."""
    found = [
        samples.median(*figure)
        for figure in samples.values
        if figure[:2] == (section, what)
        and figure.unit == unit
        and figure.who not in (OURS, *NGINXES)
    ]
    return [value for value in found if value is not None]


def _cold(control: str, detail: str = "") -> Callable[[Samples], float | None]:
    """The controls check no credentials: theirs is the one figure for all of ours."""
    what, theirs = f"{REQUEST}{detail}: first answer", f"{REQUEST}: first answer"

    def ratio(samples: Samples) -> float | None:
        ours = samples.median(handlers.COLD, what, OURS, "ms CPU")
        return _ratio(ours, samples.median(handlers.COLD, theirs, control, "ms CPU"))

    return ratio


def _warm(what: str, bare: str) -> Callable[[Samples], float | None]:
    def ratio(samples: Samples) -> float | None:
        ours = samples.median(handlers.WARM, what, OURS, "ms CPU")
        return _ratio(ours, samples.median(handlers.WARM, bare, OURS, "ms CPU"))

    return ratio


def _served(what: str, unit: str, who: str) -> Callable[[Samples], float | None]:
    return lambda samples: _ratio(
        samples.median(serving.SECTION, what, OURS, unit),
        samples.median(serving.SECTION, what, who, unit),
    )


def _client(what: str) -> Callable[[Samples], float | None]:
    return lambda samples: _ratio(
        samples.median(installing.SECTION, what, OURS, "s"),
        samples.median(installing.SECTION, what, NGINX, "s"),
    )


def _fastest_peer(samples: Samples) -> float | None:
    ours = samples.median(serving.SECTION, serving.PAGE, OURS, "requests/s")
    peers = _peers(samples, serving.SECTION, serving.PAGE, "requests/s")
    return _ratio(ours, max(peers, default=None))


def _upload(samples: Samples) -> float | None:
    ours = samples.median(serving.SECTION, serving.UPLOAD, OURS, "ms")
    peers = _peers(samples, serving.SECTION, serving.UPLOAD, "ms")
    return _ratio(ours, min(peers, default=None))


def _late(samples: Samples) -> float | None:
    return samples.median(serving.SECTION, serving.LATE, OURS, "of each")


def _reindex(parser: str) -> Callable[[Samples], float | None]:
    def ratio(samples: Samples) -> float | None:
        found = {
            figure.what: figure
            for figure in samples.values
            if figure.section == reindex_cost.SECTION
        }
        ours = next((found[what] for what in found if what.endswith(reindex_cost.STEPS)), None)
        if ours is None:
            return None
        label = ours.what.partition(":")[0]
        return _ratio(
            samples.median(*ours),
            samples.median(reindex_cost.SECTION, f"{label}: parsing alone", parser, "s CPU"),
        )

    return ratio


def _peak(samples: Samples) -> float | None:
    found = [figure for figure in samples.values if figure.what.endswith("names: peak")]
    return samples.median(*found[0]) if found else None


def _growth(
    kinds: tuple[str, ...], sizes: tuple[int, ...], of: str
) -> Callable[[Samples], float | None]:
    """The worst of the kinds, from the smallest size to the largest."""

    def ratio(samples: Samples) -> float | None:
        series = [growth.series(samples, kind, sizes, of) for kind in kinds]
        return max((each[-1][1] / each[0][1] for each in series if len(each) > 1), default=None)

    return ratio


GOALS = [
    Goal(
        "request handler, import and first answer with an API token, CPU, of the boto3 control, "
        "which checks no credentials",
        1 / 5,
        True,
        _cold(handlers.BOTO3),
    ),
    Goal("the same, of FastAPI + Mangum + boto3", 1 / 15, True, _cold(handlers.FASTAPI)),
    Goal(
        "the same with a password, whose hash is computed, of the boto3 control",
        1 / 5,
        True,
        _cold(handlers.BOTO3, BY_PASSWORD),
    ),
    Goal(
        "the same, of FastAPI + Mangum + boto3",
        1 / 15,
        True,
        _cold(handlers.FASTAPI, BY_PASSWORD),
    ),
    Goal(
        "typical page, handler CPU, of one bare conditional GET",
        2.5,
        True,
        _warm("typical page", "typical page, bare conditional GET"),
    ),
    Goal(
        "2,000-file page, handler CPU, of its bare GET",
        3,
        True,
        _warm("2,000-file page", "2,000-file page, bare GET"),
    ),
    Goal(
        "the same for a client that takes no gzip",
        3,
        True,
        _warm("2,000-file page, not compressed", "2,000-file page, bare GET"),
    ),
    Goal(
        "the same where the object has just changed, gzip included",
        3,
        True,
        _warm("2,000-file page, just changed", "2,000-file page, bare GET"),
    ),
    Goal(
        "typical page with credentials, requests/s, of nginx with htpasswd",
        1,
        False,
        _served(serving.PAGE, "requests/s", NGINX_AUTH),
    ),
    Goal("the same, of the fastest Python peer", 8, False, _fastest_peer),
    Goal(
        "the same, p50, of nginx without credentials",
        4,
        True,
        _served(serving.PAGE, "ms p50", NGINX),
    ),
    Goal(
        "the same on one connection",
        4,
        True,
        _served(serving.PAGE_ALONE, "ms p50", NGINX),
    ),
    Goal(
        "2,000-file page, requests/s, of nginx without credentials",
        1 / 3,
        False,
        _served(serving.MANY_PAGE, "requests/s", NGINX),
    ),
    Goal(
        "the same, not compressed",
        1 / 3,
        False,
        _served(serving.MANY_PLAIN, "requests/s", NGINX),
    ),
    Goal("file download, MB/s, of nginx", 0.8, False, _served(serving.DOWNLOAD, "MB/s", NGINX)),
    Goal("uv installing 30 packages, of nginx's time", 1.3, True, _client(installing.INSTALL)),
    Goal("pip downloading 50 files, of nginx's time", 1.1, True, _client(installing.DOWNLOAD)),
    Goal("upload of a tiny wheel, p50, of the fastest peer", 1 / 5, True, _upload),
    Goal("uploads that are not listed when the answer arrives", 0, True, _late),
    Goal("reindex, CPU of its steps, of parsing alone by orjson", 3, True, _reindex("orjson")),
    Goal("the same, of ijson, which parses without holding all", 3, True, _reindex("ijson")),
    Goal("reindex, peak of a step, in MB", 400, True, _peak),
    Goal(
        "growth by private projects, the worst kind",
        1.3,
        True,
        _growth(growth.KINDS, growth.PRIVATE, "private projects"),
    ),
    Goal(
        "growth by upstream names, private projects",
        1.3,
        True,
        _growth(growth.KINDS, growth.NAMES, "upstream names"),
    ),
    Goal(
        "growth by upstream names, a mirrored page that a process had before",
        1.3,
        True,
        _growth(growth.MIRRORED[1:], growth.NAMES, "upstream names"),
    ),
    Goal(
        "growth by upstream names, the first mirrored page of a process",
        1.3,
        True,
        _growth(growth.MIRRORED[:1], growth.NAMES, "upstream names"),
    ),
]
