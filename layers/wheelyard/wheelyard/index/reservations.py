"""Names that never go upstream: reserved namespaces and denied projects.

Whoever uploads ``acme-billing`` to a public index must not reach those who install ``acme-billing``
here before it was published privately (dependency confusion).
"""

import re
from functools import cached_property

from wheelyard.protocol.names import ProjectName


class Reservations:
    """Which names are not to be asked for upstream, nor listed as being there."""

    def __init__(self, namespaces: tuple[str, ...], denied: tuple[str, ...]) -> None:
        """``namespaces`` are normalised names, ``denied`` globs over normalised names."""
        self._namespaces = namespaces
        self._denied = denied

    def holds(self, name: ProjectName) -> bool:
        """Whether ``name`` is reserved or denied: ``acme`` reserves ``acme`` and ``acme-x``."""
        for namespace in self._namespaces:
            if name == namespace or name.startswith(f"{namespace}-"):
                return True
        return self._pattern is not None and self._pattern.fullmatch(name) is not None

    @cached_property
    def _pattern(self) -> "re.Pattern[str] | None":
        if not self._denied:
            return None
        from fnmatch import translate

        return re.compile("|".join(map(translate, self._denied)))
