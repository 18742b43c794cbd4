"""INI files as pip and twine read them: one value set, everything else as it was. Pure."""

import re

_SECTION = re.compile(r"\[([^\]]+)\]")


def with_value(text: str, section: str, key: str, value: str) -> str:
    """``text`` in which ``key`` of ``section`` is ``value``: in its place, or at the section's end."""
    lines = text.splitlines()
    start = _start(lines, section)
    if start is None:
        gap = [""] if lines and lines[-1].strip() else []
        return _joined([*lines, *gap, f"[{section}]", *_entry(key, value)])
    end = _end(lines, start)
    for number in range(start, end):
        if _key(lines[number]) == key:
            return _joined(
                [*lines[:number], *_entry(key, value), *lines[_continued(lines, number, end) :]]
            )
    while end > start and not lines[end - 1].strip():
        end -= 1
    return _joined([*lines[:end], *_entry(key, value), *lines[end:]])


def without_value(text: str, section: str, key: str) -> str:
    """``text`` in which the section does not have the key."""
    lines = text.splitlines()
    start = _start(lines, section)
    if start is None:
        return text
    end = _end(lines, start)
    for number in range(start, end):
        if _key(lines[number]) == key:
            return _joined([*lines[:number], *lines[_continued(lines, number, end) :]])
    return text


def value_of(text: str, section: str, key: str) -> str | None:
    """The value of a key, its lines joined by newlines; None if it is not there."""
    lines = text.splitlines()
    start = _start(lines, section)
    if start is None:
        return None
    end = _end(lines, start)
    for number in range(start, end):
        if _key(lines[number]) == key:
            first = re.split(r"[=:]", lines[number], maxsplit=1)[1].strip()
            rest = lines[number + 1 : _continued(lines, number, end)]
            return "\n".join(filter(None, [first, *map(str.strip, rest)]))
    return None


def _start(lines: list[str], section: str) -> int | None:
    """The line behind the section's heading."""
    for number, line in enumerate(lines, 1):
        heading = _SECTION.match(line.strip())
        if heading and heading[1].strip() == section:
            return number
    return None


def _end(lines: list[str], start: int) -> int:
    """The next section's heading, or the end."""
    headings = (n for n in range(start, len(lines)) if _SECTION.match(lines[n].strip()))
    return next(headings, len(lines))


def _key(line: str) -> str | None:
    if not line or line[0].isspace() or line[0] in "#;" or not re.search(r"[=:]", line):
        return None
    return re.split(r"[=:]", line, maxsplit=1)[0].strip().lower()


def _continued(lines: list[str], number: int, end: int) -> int:
    """The line behind a value's last one: those that are indented belong to it."""
    number += 1
    while number < end and lines[number][:1].isspace() and lines[number].strip():
        number += 1
    return number


def _entry(key: str, value: str) -> list[str]:
    first, *rest = value.split("\n")
    return [f"{key} = {first}".rstrip(), *(f"    {line}" for line in rest)]


def _joined(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"
