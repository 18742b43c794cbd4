"""Reading a root listing in JSON while it arrives: yajl sees the whole form, and few of the projects."""

import json
import re
from types import NoneType
from typing import Any

from wheelyard.errors import InvalidDocument
from wheelyard.mirror.root_names import RootNames, check_version

# Between two projects, as any writer of JSON puts it.
_BETWEEN = re.compile(rb"\}[ \t\r\n]*,[ \t\r\n]*\{")
# The last place between two is looked for in this many bytes first, and then everywhere.
_TAIL = 4096
# Less than this is not worth a call of each function: it waits for more.
_PIECE = 64 * 1024


class JsonReader:
    """PEP 691's project list.

    Where a project begins, all text up to the beginning of another one is a piece. If a piece alone, in
    ``[`` and ``]``, is a JSON array of plain objects, then the document is as valid without it as with it,
    and says the same of everything else. Such a piece is parsed at once by the standard library, at a third
    of the cost, and yajl gets what is left: the document's form, and every piece that is not so plain.
    """

    def __init__(self, piece: int = _PIECE) -> None:
        """``piece``: from how many bytes on a piece is parsed."""
        self._piece = piece
        self._yajl = _Yajl()
        self._held = b""
        # Whether what is held follows the `{` of a project, which yajl has got.
        self._in_project = False

    @property
    def serial(self) -> int | None:
        """The ``_last-serial`` of the whole listing."""
        return self._yajl.serial

    def feed(self, chunk: bytes) -> RootNames:
        """See ``RootReader.feed``."""
        self._held += chunk
        if len(self._held) < self._piece:
            return RootNames([], [])
        text, self._held = self._held, b""
        between = _last_between(text)
        if between is None:
            self._in_project = False
            return self._yajl.feed(text)
        if self._in_project:
            found = _plain_projects(text[: between.start() + 1])
            if found is not None:
                self._held = text[between.end() :]
                return found
        found = self._yajl.feed(text[: between.end() - 1])
        self._in_project = self._yajl.begin_project()
        if self._in_project:
            self._held = text[between.end() :]
            return found
        rest = self._yajl.feed(text[between.end() :])
        return RootNames(found.names + rest.names, found.serials + rest.serials)

    def close(self) -> RootNames:
        """See ``RootReader.close``."""
        found = self._yajl.feed(self._held)
        self._yajl.close()
        return found


def _last_between(text: bytes) -> "re.Match[bytes] | None":
    last = None
    for start in (max(0, len(text) - _TAIL), 0):
        for last in _BETWEEN.finditer(text, start):  # noqa: B007
            pass
        if last is not None:
            break
    return last


def _refuse(text: str) -> Any:
    raise ValueError(f"{text!r:.50} is read by yajl")


# JSON has no NaN; and of numbers that are not whole, yajl knows which ones it takes.
_decode = json.JSONDecoder(parse_constant=_refuse, parse_float=_refuse).decode


def _plain_projects(piece: bytes) -> RootNames | None:
    """The projects of a piece; None where yajl has to read it, whether it is valid or not.

    An escape may be half a character. As many colons as keys: no key stands there twice, of which one
    would be lost, and no object within another.
    """
    if b"\\" in piece:
        return None
    try:
        projects = _decode(f"[{{{piece.decode()}]")
        names = [project["name"] for project in projects]
        serials = [project.get("_last-serial") for project in projects]
        colons = sum(map(len, projects))
        "".join(names)  # only strings can be joined
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if piece.count(b":") != colons or not {int, NoneType}.issuperset(map(type, serials)):
        return None
    return RootNames(names, serials)


class _Yajl:
    """What yajl's events say.

    The depth says where an event belongs: the document is at 1, ``meta`` and the array ``projects`` at
    2, a project at 3.
    """

    def __init__(self) -> None:
        import ijson

        # The latter are what becomes of a number with more digits than Python reads.
        self._errors = (ijson.JSONError, ValueError, ArithmeticError, SystemError)
        self._events: Any = ijson.sendable_list()
        self._parser = ijson.basic_parse_coro(self._events)
        self._depth = 0
        self._section = self._key = ""
        self._in_projects = self._complete = False
        self._name: str | None = None
        self._serial: int | None = None
        self._version: str | None = None
        self.serial: int | None = None

    def feed(self, text: bytes) -> RootNames:
        """The projects that became complete. Raises ``InvalidDocument``."""
        if not text:  # which would be the end
            return RootNames([], [])
        try:
            self._parser.send(text)
        except self._errors as error:
            reason = error.__cause__ or error
            raise InvalidDocument(
                f"upstream's root listing is not JSON: {reason!s:.200}"
            ) from error
        return self._found()

    def begin_project(self) -> bool:
        """Feed a ``{``; whether it is the beginning of a project, and not of a part of one or of a text."""
        before = self._depth
        self.feed(b"{")
        return self._in_projects and (before, self._depth) == (2, 3)

    def close(self) -> None:
        """Raises ``InvalidDocument`` if this was not a whole listing."""
        try:
            self._parser.close()
        except self._errors as error:
            raise InvalidDocument(
                f"upstream's root listing ends in the middle: {error!s:.200}"
            ) from error
        self._found()
        check_version(self._version)
        if not self._complete:
            raise InvalidDocument("upstream's root listing has no list of 'projects'")

    def _found(self) -> RootNames:
        found = RootNames([], [])
        for event, value in self._events:
            if event == "map_key":
                self._key = value
                if self._depth == 1:
                    self._section = value
            elif event in ("string", "number"):
                self._scalar(value)
            elif event in ("start_map", "start_array"):
                self._depth += 1
                if self._depth == 2:
                    self._in_projects = self._section == "projects" and event == "start_array"
                elif self._depth == 3:
                    self._key, self._name, self._serial = "", None, None
            elif event in ("end_map", "end_array"):
                if self._depth == 3 and self._in_projects:
                    self._add_to(found)
                elif self._depth == 2 and self._in_projects:
                    self._complete, self._in_projects = True, False
                self._depth -= 1
        del self._events[:]
        return found

    def _scalar(self, value: object) -> None:
        if self._depth == 3 and self._in_projects:
            if self._key == "name" and isinstance(value, str):
                self._name = value
            elif self._key == "_last-serial" and isinstance(value, int):
                self._serial = value
        elif self._depth == 2 and self._section == "meta":
            if self._key == "api-version":
                self._version = str(value)
            elif self._key == "_last-serial" and isinstance(value, int):
                self.serial = value

    def _add_to(self, found: RootNames) -> None:
        if self._name is None:
            raise InvalidDocument("upstream's root listing has a project without a 'name'")
        found.names.append(self._name)
        found.serials.append(self._serial)
