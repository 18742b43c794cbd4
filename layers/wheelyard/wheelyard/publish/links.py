"""Links in a tar: allowed as long as following them never leaves the archive's top folder."""

from collections.abc import Set

from wheelyard.errors import InvalidArchive
from wheelyard.publish.members import LONGEST_PATH, shown

_MOST_LINKS = 10_000
_MOST_STEPS = 256


class Links:
    """The symbolic links of one archive, path → target as written."""

    def __init__(self) -> None:
        self._targets: dict[str, str] = {}

    def add_symbolic(self, path: str, target: str) -> None:
        """Take a link; where it leads is known only once all are (``check``)."""
        if target.startswith("/") or "\\" in target or not target or len(target) > LONGEST_PATH:
            raise _leaves(path, target)
        self._targets[path] = target
        if len(self._targets) > _MOST_LINKS:
            raise InvalidArchive(f"it has more than {_MOST_LINKS:,} symbolic links: leave some out")

    def check_hard(self, path: str, target: str, files: Set[str]) -> None:
        """Raises ``InvalidArchive`` unless the target is a plain file that came before."""
        if target not in files or target in self._targets or target == path:
            raise InvalidArchive(
                f"{shown(path)} is a hard link to {shown(target)}, which is no earlier file of the "
                "archive: put the file itself there"
            )

    def check(self) -> None:
        """Raises ``InvalidArchive`` for a link that leaves the top folder, on its own or through others."""
        for path, target in self._targets.items():
            self._follow(path, target)

    def _follow(self, path: str, target: str) -> None:
        # No member stands below a link (``Members.check_folders``), so the link's own folder is a real one.
        place = path.split("/")[:-1]
        steps = target.split("/")[::-1]
        for _ in range(_MOST_STEPS):
            if not steps:
                return
            step = steps.pop()
            if step == "..":
                place.pop()
            elif step not in ("", "."):
                place.append(step)
                if through := self._targets.get("/".join(place)):
                    place.pop()
                    steps += through.split("/")[::-1]
            if not place:
                raise _leaves(path, target)
        raise InvalidArchive(
            f"{shown(path)} is a symbolic link to {shown(target)} that goes round in a circle, or on too "
            "long: put the file itself there"
        )


def _leaves(path: str, target: str) -> InvalidArchive:
    return InvalidArchive(
        f"{shown(path)} is a symbolic link to {shown(target)}, outside the archive's folder: put the file "
        "itself there"
    )
