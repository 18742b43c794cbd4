"""Source distributions that pip builds without any other package: the build backend is inside."""

from distributions import (
    BuiltDistribution,
    SdistFormat,
    build_sdist,
    escaped,
    wheel_filename,
    wheel_members,
)

_PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""

_BACKEND = """
import zipfile

MEMBERS = {members!r}


def build_wheel(directory, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(directory + "/{filename}", "w") as archive:
        for path, content in MEMBERS.items():
            archive.writestr(path, content)
    return "{filename}"
"""


def buildable_sdist(
    name: str,
    version: str,
    format: SdistFormat = "gztar",  # noqa: A002 - distutils' word for it
) -> BuiltDistribution:
    """A source distribution of a package with a module that says its version and ``source``."""
    module = f'__version__ = "{version}"\nsource = True\n'.encode()
    members = wheel_members(name, version, files={f"{escaped(name)}/__init__.py": module})
    backend = _BACKEND.format(members=members, filename=wheel_filename(name, version))
    files = {"pyproject.toml": _PYPROJECT.encode(), "backend.py": backend.encode()}
    return build_sdist(name, version, files=files, format=format)
