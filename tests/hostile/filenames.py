"""Good archives under filenames that say something else, or nothing."""

from distributions import build_sdist, build_wheel
from hostile.case import Hostile
from wheelyard.errors import InvalidFilename

_WHEEL = build_wheel("demo", "1.0").content
_SDIST = build_sdist("demo", "1.0").content


def _named(what: str, filename: str, says: str, content: bytes = _WHEEL) -> Hostile:
    return Hostile(what, filename, content, says, InvalidFilename)


FILENAMES = (
    _named("an empty filename", "", "is not a distribution filename"),
    _named("no ending", "demo-1.0", "it should end in .whl, .tar.gz or .zip"),
    _named("an installer", "demo-1.0.exe", "it should end in .whl, .tar.gz or .zip"),
    _named("a folder in front", "../demo-1.0-py3-none-any.whl", "is not a distribution filename"),
    _named("a backslash", "a\\demo-1.0-py3-none-any.whl", "is not a distribution filename"),
    _named("a NUL", "demo-1.0-py3-none-any.whl\0.zip", "is not a distribution filename"),
    _named("a space", "demo 1.0-py3-none-any.whl", "is not a distribution filename"),
    _named("letters beyond ASCII", "dém-1.0-py3-none-any.whl", "is not a distribution filename"),
    _named("a leading dot", ".demo-1.0-py3-none-any.whl", "is not a distribution filename"),
    _named("300 characters", "d" * 284 + "-1-py3-none-any.whl", "at most 240"),
    _named("an ending in capitals", "demo-1.0-py3-none-any.WHL", "it should end in"),
    _named("a wheel of three parts", "demo-1.0-py3.whl", "'name-version-python-abi-platform.whl'"),
    _named("a wheel of seven parts", "demo-1.0-1-2-py3-none-any.whl", "name-version-python-abi"),
    _named("a wheel with an empty tag", "demo-1.0-py3--any.whl", "invalid tag component"),
    _named("a wheel without a version", "demo-one-py3-none-any.whl", "invalid version"),
    _named("a build tag without a number", "demo-1.0-x1-py3-none-any.whl", "Invalid build number"),
    _named(
        "a wheel's name not normalised",
        "Demo.X-1.0-py3-none-any.whl",
        "is not normalised: it should be 'demo_x-1.0-py3-none-any.whl'",
    ),
    _named("an sdist without a version", "demo.tar.gz", "'name-version.tar.gz'", _SDIST),
    _named("an sdist of no version", "demo-latest.tar.gz", "invalid version", _SDIST),
    _named(
        "an sdist's name not normalised",
        "De-mo-1.0.tar.gz",
        "it should be 'de_mo-1.0.tar.gz'",
        _SDIST,
    ),
    _named(
        "an sdist's version not normalised",
        "demo-1.0-beta.tar.gz",
        "is not a source distribution's",
        _SDIST,
    ),
    _named("a version spelt at length", "demo-1.0.RC1.tar.gz", "'demo-1.0rc1.tar.gz'", _SDIST),
    _named("an egg", "demo-1.0-py3.11.egg", "it should end in .whl, .tar.gz or .zip"),
    _named("a bzip2 sdist", "demo-1.0.tar.bz2", "it should end in .whl, .tar.gz or .zip", _SDIST),
    _named("an xz sdist", "demo-1.0.tar.xz", "it should end in .whl, .tar.gz or .zip", _SDIST),
    _named("a plain tar", "demo-1.0.tar", "it should end in .whl, .tar.gz or .zip", _SDIST),
)
