"""``~/.netrc``: one machine's entry set, everything else as it was. Pure.

The format is of ftp(1); what programs read of it is in
https://everything.curl.dev/usingcurl/netrc.html.
"""

import re

_BEGINS = re.compile(r"\s*(machine|default|macdef)\b\s*(\S*)")


def with_machine(text: str, host: str, login: str, password: str) -> str:
    """``text`` with the entry of ``host``: in place of the one that it has, or before ``default``."""
    entry = [f"machine {host}", f"login {login}", f"password {password}"]
    lines = text.splitlines()
    found = _find(lines, host)
    if found is not None:
        return _joined([*lines[: found.start], *entry, *lines[found.stop :]])
    defaults = (number for number, line in enumerate(lines) if _begins(line)[0] == "default")
    place = next(defaults, len(lines))
    return _joined([*lines[:place], *entry, *lines[place:]])


def without_machine(text: str, host: str, login: str) -> str:
    """``text`` without the entry of ``host``, if that is one of ``login``."""
    lines = text.splitlines()
    found = _find(lines, host)
    if found is None or f" login {login} " not in f" {' '.join(_words(lines, found))} ":
        return text
    return _joined([*lines[: found.start], *lines[found.stop :]])


def _words(lines: list[str], found: range) -> list[str]:
    return " ".join(lines[number] for number in found).split()


def _find(lines: list[str], host: str) -> range | None:
    """The lines of the entry of ``host``."""
    starts = [number for number, line in enumerate(lines) if _BEGINS.match(line)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=False):
        if _begins(lines[start]) == ("machine", host):
            return range(start, _behind(lines, start, end))
    return None


def _begins(line: str) -> tuple[str, str]:
    match = _BEGINS.match(line)
    return (match[1], match[2]) if match else ("", "")


def _behind(lines: list[str], start: int, end: int) -> int:
    """The line behind an entry's last one: comments and empty lines before the next are the next one's."""
    while end > start + 1 and (not lines[end - 1].strip() or lines[end - 1].lstrip()[0] == "#"):
        end -= 1
    return end


def _joined(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"
