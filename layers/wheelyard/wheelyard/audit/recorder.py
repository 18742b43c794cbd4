"""How those who change something have it recorded."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wheelyard.audit.event import Change

Recorder = Callable[["Change"], AbstractContextManager[object]]
"""Gives the context in which a change is made; ``Trail.by`` makes one for an actor.

Raises ``StorageError`` where the change cannot be recorded, before it is made.
"""


def unrecorded(change: "Change") -> AbstractContextManager[object]:
    """For changes that nobody is to be told of, such as those of a test."""
    return nullcontext(change)
