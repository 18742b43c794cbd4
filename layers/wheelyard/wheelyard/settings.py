"""The settings, read once at start from a mapping such as the environment."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from wheelyard.errors import InvalidSetting

GIB = 1024**3

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
# S3 holds a presigned link for seven days at most.
_LONGEST_PRESIGN = 7 * 24 * 3600


class Settings(NamedTuple):
    """Every setting, checked.

    ``presign_lifetime``  seconds
    ``max_file_size``     bytes
    ``base_path``         without a slash at its end, empty for none
    ``overwrite``         a published file may be replaced by another one
    ``reuse_deleted``     the filename of a deleted file may be used again
    ``legacy_formats``    eggs, ``.tar.bz2``, ``.tar.xz`` and old spellings of filenames are taken
    """

    logging_level: str
    presign_lifetime: int
    base_path: str
    max_file_size: int
    overwrite: bool
    reuse_deleted: bool
    legacy_formats: bool

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Read the settings. Raises ``InvalidSetting`` naming the variable."""
        return cls(
            logging_level=_choice(env, "LOGGING_LEVEL", "INFO", _LEVELS),
            presign_lifetime=_number(env, "PRESIGN_LIFETIME", 900, 6, _LONGEST_PRESIGN),
            base_path=_base_path(env, "API_GATEWAY_BASE_PATH"),
            max_file_size=_number(env, "MAX_FILE_SIZE", 5 * GIB, 1, 5 * 1024 * GIB),
            overwrite=_allowed(env, "OVERWRITE"),
            reuse_deleted=_allowed(env, "REUSE_DELETED"),
            legacy_formats=_allowed(env, "LEGACY_FORMATS"),
        )


class StoreSettings(NamedTuple):
    """Where everything is stored, on S3."""

    bucket: str
    prefix: str
    region: str
    endpoint: str | None

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "StoreSettings":
        """Read the settings. Raises ``InvalidSetting`` naming the variable."""
        endpoint = env.get("AWS_ENDPOINT_URL_S3") or env.get("AWS_ENDPOINT_URL") or None
        if endpoint is not None and not endpoint.startswith(("http://", "https://")):
            raise InvalidSetting(
                f"AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL is {endpoint!r}: begin it with https://"
            )
        bucket = env.get("BUCKET", "")
        if not _BUCKET.fullmatch(bucket):
            raise InvalidSetting(f"BUCKET is {bucket!r}: set it to the name of an S3 bucket")
        return cls(
            bucket=bucket,
            prefix=env.get("REPO_BASE_PREFIX", "").strip("/"),
            region=env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or "us-east-1",
            endpoint=endpoint,
        )


def _choice(env: Mapping[str, str], name: str, default: str, allowed: tuple[str, ...]) -> str:
    value = env.get(name) or default
    for choice in allowed:
        if value.lower() == choice.lower():
            return choice
    raise InvalidSetting(f"{name} is {value!r}: use one of {', '.join(allowed)}")


def _allowed(env: Mapping[str, str], name: str) -> bool:
    return _choice(env, name, "never", ("never", "allow")) == "allow"


def _number(env: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    value = env.get(name) or str(default)
    try:
        number = int(value)
    except ValueError:
        number = least - 1
    if not least <= number <= most:
        raise InvalidSetting(f"{name} is {value!r}: use a whole number from {least} to {most}")
    return number


def _base_path(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "").strip("/")
    if value and not re.fullmatch(r"[A-Za-z0-9._~/-]+", value):
        raise InvalidSetting(f"{name} is {env[name]!r}: use a path such as '/pypi'")
    return f"/{value}" if value else ""
