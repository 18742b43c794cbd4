"""What management can be told to do: one definition for the command line, the admin function and programs.

An order has a name, which is the one key of the admin function's payload, and parameters, which are what
stands below it and the arguments and options of the command. Its answer is a document of JSON values.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

from wheelyard.audit.event import Event
from wheelyard.errors import NotPossible
from wheelyard.management.management import Management
from wheelyard.protocol.model import STATUSES

Argument = Mapping[str, Any]
Answer = dict[str, object]

MOST = 1000
"""How many items of a list are in one answer: an invocation's is 6 MB at most."""


class Parameter(NamedTuple):
    """A string that an order takes: an argument of its command, or an option if not ``required``."""

    name: str
    help: str
    required: bool = False
    choices: tuple[str, ...] = ()


class Order(NamedTuple):
    """Something that management does.

    ``command``  the group and the name of the command
    ``run``      does it; the answer is a record, or for a list its items
    ``confirm``  what to ask a person before, with the parameters in braces; empty for what changes nothing
    ``columns``  of the table that people are shown of a list; empty for what is no list
    ``preview``  the list of files, with the same parameters, that a person is shown before being asked
    ``cursor``   the field of an item that, as ``after``, gives the items behind it; else they are counted
    """

    name: str
    command: tuple[str, str]
    help: str
    parameters: tuple[Parameter, ...]
    run: Callable[[Management, Argument], Any]
    confirm: str = ""
    columns: tuple[str, ...] = ()
    cursor: str = ""
    preview: str = ""

    @property
    def schema(self) -> dict[str, object]:
        """The JSON schema of the argument."""
        properties: dict[str, object] = {each.name: _schema(each) for each in self.parameters}
        if self.columns:
            place = {"type": "string"} if self.cursor else {"type": "integer", "minimum": 0}
            properties["after" if self.cursor else "start"] = place
            properties["limit"] = {"type": "integer", "minimum": 1, "maximum": MOST}
        return {
            "type": "object",
            "required": [each.name for each in self.parameters if each.required],
            "additionalProperties": False,
            "properties": properties,
        }

    def carry_out(self, management: Management, argument: Argument) -> Answer:
        """Do it.

        The answer to a list is ``{"items": […], "next": …}``, where ``next``, if it is there, is the
        argument that gives the next part. Raises what the methods of ``Management`` raise.
        """
        done = self.run(management, argument)
        return _part(argument, done, self.cursor) if self.columns else _document(done)


def _schema(parameter: Parameter) -> dict[str, object]:
    if parameter.choices:
        return {"enum": list(parameter.choices)}
    return {"type": "string", "minLength": 1 if parameter.required else 0}


def _part(argument: Argument, items: Iterable[Any], cursor: str) -> Answer:
    start, limit = argument.get("start", 0), argument.get("limit", MOST)
    found = list(islice(items, start, start + limit + 1))
    answer: Answer = {"items": [_document(item) for item in found[:limit]]}
    if len(found) > limit:
        answer["next"] = {**argument, **_place(argument, found[:limit], start + limit, cursor)}
    return answer


def _place(argument: Argument, items: list[Any], end: int, cursor: str) -> Answer:
    """Where the next part of a list begins."""
    if cursor:
        return {"after": getattr(items[-1], cursor)}
    if isinstance(items[0], Event) and not argument.get("until"):
        # What is recorded meanwhile would shift the rest.
        return {"start": end, "until": (items[0].time + timedelta(microseconds=1)).isoformat()}
    return {"start": end}


def _document(item: Any) -> Answer:
    fields = item.as_record() if isinstance(item, Event) else item._asdict()
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()
    }


_AGO = re.compile(r"(\d{1,6})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def _time(management: Management, raw: str | None) -> datetime | None:
    """A point in time, in UTC if it does not say. Raises ``NotPossible``."""
    if not raw:
        return None
    if ago := _AGO.fullmatch(raw):
        return management.now() - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        found = datetime.fromisoformat(raw)
    except ValueError as error:
        raise NotPossible(
            f"{raw[:100]!r} is no time: use 2026-11-01, 2026-11-01T12:00 (in UTC), or 12h, 7d, 2w ago"
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


_PROJECT = Parameter("project", "Name of a private project.", required=True)
_VERSION = Parameter("version", "Version, in any spelling: 1.0 is 1.0.0.", required=True)
_FILENAME = Parameter("filename", "Name of a file.", required=True)
_REASON = Parameter("reason", "What clients tell those who ask for it.")

ORDERS: tuple[Order, ...] = (
    Order(
        "listProjects",
        ("project", "list"),
        "List the private projects.",
        (Parameter("prefix", "Only names that begin with this."),),
        lambda management, given: management.projects(
            given.get("prefix", ""), given.get("after", "")
        ),
        columns=("project", "status", "releases", "files", "size", "updated"),
        cursor="project",
    ),
    Order(
        "showProject",
        ("project", "show"),
        "Show a project with its versions.",
        (_PROJECT,),
        lambda management, given: management.show(given["project"]),
    ),
    Order(
        "setStatus",
        ("project", "status"),
        "Mark a project as active, archived, quarantined or deprecated.",
        (_PROJECT, Parameter("status", "", required=True, choices=STATUSES), _REASON),
        lambda management, given: management.set_status(
            given["project"], given["status"], given.get("reason")
        ),
        confirm="Mark project {project} as {status}?",
    ),
    Order(
        "releaseName",
        ("project", "release-name"),
        "Have a name private no longer, once all files of its project are deleted.",
        (_PROJECT,),
        lambda management, given: management.release_name(given["project"]),
        confirm="Give up the private name {project}, so that upstream's project is served under it?",
    ),
    Order(
        "listReleases",
        ("release", "list"),
        "List the releases of a project.",
        (_PROJECT,),
        lambda management, given: management.releases(given["project"]),
        columns=("version", "files", "size", "uploaded", "yanked"),
    ),
    Order(
        "deleteRelease",
        ("release", "delete"),
        "Delete every file of a release for good; the names of the files are not used again.",
        (_PROJECT, _VERSION),
        lambda management, given: management.delete_release(given["project"], given["version"]),
        confirm="Delete release {version} of {project} for good?",
        preview="listFiles",
    ),
    Order(
        "yankRelease",
        ("release", "yank"),
        "Yank a release: clients take it only where it is pinned.",
        (_PROJECT, _VERSION, _REASON),
        lambda management, given: management.yank_release(
            given["project"], given["version"], given.get("reason")
        ),
        confirm="Yank release {version} of {project}?",
    ),
    Order(
        "unyankRelease",
        ("release", "unyank"),
        "Have a release yanked no longer.",
        (_PROJECT, _VERSION),
        lambda management, given: management.unyank_release(given["project"], given["version"]),
        confirm="Offer release {version} of {project} again?",
    ),
    Order(
        "listFiles",
        ("file", "list"),
        "List the files of a project, or of one release.",
        (_PROJECT, Parameter("version", "Only those of this release.")),
        lambda management, given: management.files(given["project"], given.get("version") or None),
        columns=("filename", "size", "uploaded", "yanked", "sha256"),
    ),
    Order(
        "deleteFile",
        ("file", "delete"),
        "Delete one file for good; its name is not used again.",
        (_PROJECT, _FILENAME),
        lambda management, given: management.delete_file(given["project"], given["filename"]),
        confirm="Delete {filename} of {project} for good?",
    ),
    Order(
        "yankFile",
        ("file", "yank"),
        "Yank one file.",
        (_PROJECT, _FILENAME, _REASON),
        lambda management, given: management.yank_file(
            given["project"], given["filename"], given.get("reason")
        ),
        confirm="Yank {filename} of {project}?",
    ),
    Order(
        "unyankFile",
        ("file", "unyank"),
        "Have one file yanked no longer.",
        (_PROJECT, _FILENAME),
        lambda management, given: management.unyank_file(given["project"], given["filename"]),
        confirm="Offer {filename} of {project} again?",
    ),
    Order(
        "listAudit",
        ("", "audit"),
        "Show who changed what, newest first.",
        (
            Parameter("project", "Only changes of this project."),
            Parameter("user", "Only changes by this user."),
            Parameter(
                "since", "From this time on: 2026-11-01, 12h, 7d. Without it, seven days back."
            ),
            Parameter("until", "Up to, not including, this time."),
        ),
        lambda management, given: management.audit(
            given.get("project") or None,
            given.get("user") or None,
            _time(management, given.get("since")),
            _time(management, given.get("until")),
        ),
        columns=("time", "action", "result", "user", "project", "about"),
    ),
)
"""Every order, in the order of the command line's help."""
