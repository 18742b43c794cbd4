"""The index that a command works on: a store that is reached directly, or a deployed stack."""

import os
import platform
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import click
from click.core import ParameterSource

from wheelyard.audit.event import Actor
from wheelyard.client.stack import Stack, system_user
from wheelyard.entry.cli.store import STORE, opened
from wheelyard.entry.orders import ORDERS, Answer, Office
from wheelyard.settings import Settings

STACK = click.option(
    "--stack",
    envvar="WHEELYARD_STACK",
    metavar="NAME",
    help="Ask the admin function of this deployed stack instead, with your AWS credentials.",
)


class Target(Protocol):
    """Who carries out orders."""

    def order(self, name: str, argument: Mapping[str, Any] | str) -> Answer:
        """Have it done. Raises subclasses of ``WheelyardError``."""


class LocalTarget:
    """The store that ``--store`` names."""

    def __init__(self, location: str) -> None:
        actor = Actor(system_user(), "command line", client=platform.node())
        self._office = Office(Settings.from_env(os.environ), opened(location), time.time, actor)

    def order(self, name: str, argument: Mapping[str, Any] | str) -> Answer:
        """As ``Target`` has it."""
        return ORDERS[name].carry_out(self._office, argument)


def target_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--store`` and ``--stack``, whose values ``target`` takes."""
    return STORE(STACK(command))


def target(store: str, stack: str | None) -> Target:
    """What the options say; naming both on the command line is a mistake."""
    asked = asked_stack(stack)
    return Stack(asked) if asked else LocalTarget(store)


def asked_stack(stack: str | None) -> str | None:
    """The stack that the options ask, None where they name a store: the command line comes first."""
    context = click.get_current_context()
    if stack and context.get_parameter_source("store") is ParameterSource.COMMANDLINE:
        if context.get_parameter_source("stack") is ParameterSource.COMMANDLINE:
            raise click.UsageError("use either --store or --stack")
        return None
    return stack or None
