"""The options that say what a user or a token may do."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import click

from wheelyard.access.rights import Rights, rights

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def rights_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options, whose values ``given_rights`` takes."""
    options = [
        click.option("--upload", is_flag=True, help="May upload as well as read."),
        click.option(
            "--upload-project",
            "uploads",
            multiple=True,
            metavar="PATTERN",
            help="May upload this project, or those with this prefix (acme-*); may be repeated.",
        ),
        click.option(
            "--read-project",
            "reads",
            multiple=True,
            metavar="PATTERN",
            help="May read only this project, or those with this prefix (acme-*); may be repeated.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def given_rights(upload: bool, uploads: tuple[str, ...], reads: tuple[str, ...]) -> Rights:
    """What the options say. Raises ``InvalidName``."""
    if upload and uploads:
        raise click.UsageError("use either --upload, for all projects, or --upload-project")
    return rights(list(uploads) or upload, list(reads) or None)


class Duration(click.ParamType[timedelta]):
    """A length of time: ``90d``, ``12h``, ``30m`` or ``45s``."""

    name = "duration"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        match = re.fullmatch(r"(\d{1,9})([smhd])", str(value))
        if match is None:
            self.fail(
                f"{value!r} is no length of time: use one such as 90d, 12h or 30m", param, ctx
            )
        return timedelta(**{_UNITS[match[2]]: int(match[1])})
