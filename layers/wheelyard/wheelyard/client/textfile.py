"""Configuration files that belong to somebody else: read, changed in one place, and put back whole."""

import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from wheelyard.errors import NotPossible

_PRIVATE = 0o600


def edit_file(path: Path, edit: Callable[[str], str], *, private: bool = False) -> bool:
    """Replace a file's text by what ``edit`` makes of it; one that is not there is empty.

    A link is followed. ``private`` files can be read by their owner alone from then on. Returns whether
    anything was changed. Raises ``NotPossible`` if the file cannot be read or written.
    """
    target = path.resolve()
    try:
        before = target.read_text(encoding="utf-8") if target.exists() else None
        after = edit(before or "")
        mode = _mode(target, private=private)
        if after == before and stat.S_IMODE(target.stat().st_mode) == mode:
            return False
        _replace(target, after, mode)
    except (OSError, UnicodeDecodeError) as error:
        raise NotPossible(f"{str(path)!r} cannot be changed: {error}") from error
    return True


def _mode(path: Path, *, private: bool) -> int:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        mode = _PRIVATE
    return mode & _PRIVATE if private else mode


def _replace(path: Path, text: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with NamedTemporaryFile(
        "w", encoding="utf-8", newline="", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        # Whatever is to become of it, so far its owner alone can read it.
        made = Path(file.name)
        try:
            file.write(text)
            file.flush()
            made.chmod(mode)
            made.replace(path)
        except BaseException:
            with suppress(OSError):
                made.unlink()
            raise
