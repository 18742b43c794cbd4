"""The Lambda handlers behind HTTP fronts, made from a function's environment.

This is all that a function's ``app.py`` knows of the layer: during a deployment a new function can run on
the old layer for a while, so names and parameters here stay.
"""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

from wheelyard.entry.application import application
from wheelyard.entry.events import answer, front_of
from wheelyard.entry.handover import hand_over
from wheelyard.entry.logs import log_request
from wheelyard.entry.origin import from_front
from wheelyard.entry.problems import problem
from wheelyard.entry.tracing import Handler, traced
from wheelyard.errors import Forbidden, WheelyardError
from wheelyard.metrics import label
from wheelyard.settings import Settings
from wheelyard.storage.opening import open_bucket

_logger = logging.getLogger(__name__)


def http_handler(environ: Mapping[str, str], *, uploads: bool) -> Handler:
    """A handler that answers the events of every front, and takes any other event as a warm-up.

    With ``uploads`` it takes uploads too. Raises ``InvalidSetting``, so that a function with a wrong
    setting fails when it starts, naming the variable.
    """
    settings = Settings.from_env(environ)
    logging.getLogger("wheelyard").setLevel(settings.logging_level)
    # Nobody reads these of a record: https://docs.python.org/3/howto/logging.html#optimization
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    label(environ.get("AWS_LAMBDA_FUNCTION_NAME", ""))
    store = open_bucket(environ, settings.presign_lifetime)
    announce = _announcer(environ) if uploads else None
    index = application(
        settings,
        store,
        uploads=uploads,
        clock=None,
        hand_over=hand_over(environ),
        announce=announce,
    )

    def handle(event: Any, context: Any) -> dict[str, object]:
        started = time.perf_counter()
        front = front_of(event)
        if front is None:
            return {"warm": True}
        request = front.request(event, context, settings.base_path)
        try:
            response = index(from_front(request, settings.origin_secret))
        except Forbidden as error:
            response = problem(error)
        try:
            returned = answer(front, event, response)
        except WheelyardError as error:  # from a body that is read only now
            _logger.exception("%s", request)
            response = problem(error)
            returned = answer(front, event, response)
        log_request(request, response, time.perf_counter() - started)
        return returned

    return traced(environ, "wheelyard", handle)


def _announcer(environ: Mapping[str, str]) -> Callable[[], None] | None:
    from wheelyard.entry.workflow import workflow

    found = workflow(environ)
    return found.announce if found else None
