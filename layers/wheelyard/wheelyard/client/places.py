"""Where each client has its configuration, by its own rules."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


class Places(NamedTuple):
    """The files of one person.

    ``logins``  our own: who is signed in where
    """

    pip: Path
    uv: Path
    poetry: Path
    netrc: Path
    pypirc: Path
    logins: Path

    @classmethod
    def from_env(cls, env: Mapping[str, str], home: Path, platform: str = sys.platform) -> "Places":
        """The places that ``env`` names, or the usual ones.

        https://pip.pypa.io/en/stable/topics/configuration/,
        https://docs.astral.sh/uv/concepts/configuration-files/,
        https://python-poetry.org/docs/configuration/,
        https://packaging.python.org/en/latest/specifications/pypirc/
        """
        windows = platform == "win32"
        roaming = Path(env.get("APPDATA") or home / "AppData/Roaming")
        config = roaming if windows else Path(env.get("XDG_CONFIG_HOME") or home / ".config")
        library = home / "Library/Application Support"
        mac_pip = platform == "darwin" and (library / "pip").is_dir()
        pip = (library if mac_pip else config) / "pip" / ("pip.ini" if windows else "pip.conf")
        poetry = (library if platform == "darwin" else config) / "pypoetry"
        return cls(
            pip=Path(env.get("PIP_CONFIG_FILE") or pip),
            uv=config / "uv/uv.toml",
            poetry=Path(env.get("POETRY_CONFIG_DIR") or poetry),
            netrc=Path(env.get("NETRC") or home / ("_netrc" if windows else ".netrc")),
            pypirc=home / ".pypirc",
            logins=config / "wheelyard/logins.json",
        )
