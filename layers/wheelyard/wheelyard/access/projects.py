"""Sets of projects, as permissions name them: by names, and by prefixes such as ``acme-*``."""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from wheelyard.errors import InvalidName
from wheelyard.protocol.names import ProjectName, project_name

_PREFIX = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_SEPARATORS = r"[-_.]+"


class ProjectSet(NamedTuple):
    """The projects that some patterns describe: ``acme-tools``, every ``acme-*``, or all (``*``).

    ``acme-*`` holds ``acme-tools`` but not ``acme``. Make one with ``project_set``, which normalises.
    """

    patterns: tuple[str, ...]

    @property
    def everything(self) -> bool:
        """Whether every project is in the set."""
        return "*" in self.patterns

    def includes(self, name: ProjectName) -> bool:
        """Whether the project is in the set."""
        return any(
            name.startswith(pattern[:-1]) if pattern.endswith("*") else name == pattern
            for pattern in self.patterns
        )

    def among(self, names: Sequence[str]) -> list[str]:
        """Those of ``names``, which are sorted, that are in the set; sorted.

        Looks at few of them: a mirror's listing has hundreds of thousands.
        """
        if self.everything:
            return list(names)
        found: set[str] = set()
        for pattern in self.patterns:
            prefix = pattern.removesuffix("*")
            start = bisect_left(names, prefix)
            if prefix != pattern:
                end = bisect_left(names, prefix + "\uffff", start)
            else:
                end = start + 1 if names[start : start + 1] == [pattern] else start
            found.update(names[start:end])
        return sorted(found)

    def __str__(self) -> str:
        """As a person writes it."""
        return ", ".join(self.patterns) or "none"


EVERYTHING = ProjectSet(("*",))
NOTHING = ProjectSet(())


def project_set(patterns: Iterable[str]) -> ProjectSet:
    """The set that the patterns describe. Raises ``InvalidName`` for what is neither name nor prefix."""
    normal = dict.fromkeys(_pattern(pattern) for pattern in patterns)
    return EVERYTHING if "*" in normal else ProjectSet(tuple(normal))


def _pattern(raw: str) -> str:
    if "*" not in raw:
        return project_name(raw)
    prefix = raw.removesuffix("*")
    if prefix and (len(prefix) > 200 or not re.fullmatch(_PREFIX, prefix)):
        raise InvalidName(
            f"{raw[:200]!r} is not a pattern of project names: use a name, a prefix such as "
            "'acme-*', or '*'"
        )
    return re.sub(_SEPARATORS, "-", prefix).lower() + "*"
