"""The settings, read once at start from a mapping such as the environment."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from wheelyard.errors import InvalidName, InvalidSetting
from wheelyard.protocol.address import parse_address
from wheelyard.protocol.names import project_name

GIB = 1024**3

_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
_BUCKET = r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
# S3 holds a presigned link for seven days at most.
_LONGEST_PRESIGN = 7 * 24 * 3600
_SECRET_ARN = r"arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[^\s:]+(:[^\s:]+)?"  # noqa: S105  (a pattern)
_PATTERN = r"[a-z0-9*?\[\]!-]+"


class UpstreamSettings(NamedTuple):
    """The upstream index, and what never goes there.

    ``location``       the URL of its simple index, which may hold credentials, or the ARN of a secret
                       that holds it; empty for none
    ``mode``           mirror, redirect or none
    ``unknown``        deny or ask, for a name that is not in the snapshot
    ``page_lifetime``  seconds
    ``timeout``        seconds for one read
    ``redirect_size``  bytes above which a function redirects to upstream for a file that is not stored
                       yet; 0 for never. A process that lives on fetches every file itself
    ``namespaces``     normalised names; each stands for itself and for all that begins with it and ``-``
    ``denied``         globs over normalised names
    """

    location: str
    mode: str
    unknown: str
    page_lifetime: int
    timeout: int
    redirect_size: int
    namespaces: tuple[str, ...]
    denied: tuple[str, ...]

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "UpstreamSettings":
        """Read the settings. Raises ``InvalidSetting`` naming the variable."""
        mode = _choice(env, "UPSTREAM_MODE", "mirror", ("mirror", "redirect", "none"))
        return cls(
            location="" if mode == "none" else _upstream(env, "UPSTREAM_INDEX_URL"),
            mode=mode,
            unknown=_choice(env, "UPSTREAM_UNKNOWN", "deny", ("deny", "ask")),
            page_lifetime=_number(env, "UPSTREAM_PAGE_LIFETIME", 600, 0, 30 * 24 * 3600),
            timeout=_number(env, "UPSTREAM_TIMEOUT", 10, 1, 25),
            redirect_size=_number(env, "UPSTREAM_REDIRECT_SIZE", 100 * 1024**2, 0, 5 * 1024 * GIB),
            namespaces=_namespaces(env, "PRIVATE_NAMESPACES"),
            denied=_patterns(env, "DENIED_PROJECTS"),
        )

    def __repr__(self) -> str:
        """Without the location, which may hold credentials."""
        return f"<UpstreamSettings {self.mode} {'of an index' if self.location else 'of none'}>"


class Settings(NamedTuple):
    """Every setting, checked.

    ``presign_lifetime``  seconds
    ``origin_secret``     what the front before a function sends to show that it is ours; empty for none
    ``max_file_size``     bytes
    ``base_path``         without a slash at its end, empty for none
    ``overwrite``         a published file may be replaced by another one
    ``reuse_deleted``     the filename of a deleted file may be used again
    ``password_rounds``   iterations of PBKDF2 for a password; a stored hash with fewer is made anew on use
    ``oidc_audience``     what the identity tokens of trusted publishers must be made for
    ``legacy_formats``    eggs, ``.tar.bz2``, ``.tar.xz`` and old spellings of filenames are taken
    """

    logging_level: str
    presign_lifetime: int
    base_path: str
    origin_secret: str
    max_file_size: int
    overwrite: bool
    reuse_deleted: bool
    legacy_formats: bool
    password_rounds: int
    oidc_audience: str
    upstream: UpstreamSettings

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Read the settings. Raises ``InvalidSetting`` naming the variable."""
        return cls(
            logging_level=_choice(env, "LOGGING_LEVEL", "INFO", _LEVELS),
            presign_lifetime=_number(env, "PRESIGN_LIFETIME", 900, 6, _LONGEST_PRESIGN),
            base_path=_base_path(env, "API_GATEWAY_BASE_PATH"),
            origin_secret=_secret(env, "ORIGIN_SECRET"),
            max_file_size=_number(env, "MAX_FILE_SIZE", 5 * GIB, 1, 50_000 * GIB),
            overwrite=_allowed(env, "OVERWRITE"),
            reuse_deleted=_allowed(env, "REUSE_DELETED"),
            legacy_formats=_allowed(env, "LEGACY_FORMATS"),
            password_rounds=_number(env, "PASSWORD_ROUNDS", 25_000, 10_000, 2_000_000),
            oidc_audience=_audience(env, "OIDC_AUDIENCE"),
            upstream=UpstreamSettings.from_env(env),
        )

    def __repr__(self) -> str:
        """Without the origin's secret."""
        return f"<Settings {self.upstream!r}>"


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
        if not re.fullmatch(_BUCKET, bucket):
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


def _audience(env: Mapping[str, str], name: str) -> str:
    value = env.get(name)
    if not value:
        return "wheelyard"
    if not re.fullmatch(r"[A-Za-z0-9._:/-]{1,255}", value):
        raise InvalidSetting(
            f"{name} is {value[:255]!r}: use up to 255 letters, digits, '.', '_', ':', '/' and '-'"
        )
    return value


def _secret(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "")
    if value and not re.fullmatch(r"[A-Za-z0-9_-]{20,200}", value):
        raise InvalidSetting(f"{name} cannot be used: give 20 to 200 letters, digits, '_' and '-'")
    return value


def _upstream(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "").strip()
    if value.lower() in ("", "none"):
        return ""
    # The value is not shown, since it may hold a password.
    if not (_is_index(value) or re.fullmatch(_SECRET_ARN, value)):
        raise InvalidSetting(
            f"{name} cannot be used: give a simple index, https://[user:password@]host/path without "
            "query or fragment, the ARN of a Secrets Manager secret that holds such a URL, or none"
        )
    return value


def _is_index(value: str) -> bool:
    return parse_address(value) is not None and not re.search(r"\s", value)


def _namespaces(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    found = []
    for item in _items(env, name):
        try:
            found.append(project_name(item.rstrip("-_.")))
        except InvalidName as error:
            raise InvalidSetting(
                f"{name} holds {item[:200]!r}: use prefixes of project names such as 'acme-'"
            ) from error
    return tuple(found)


def _patterns(env: Mapping[str, str], name: str) -> tuple[str, ...]:
    found = []
    for item in _items(env, name):
        pattern = re.sub(r"[-_.]+", "-", item).lower()
        if not re.fullmatch(_PATTERN, pattern):
            raise InvalidSetting(
                f"{name} holds {item[:200]!r}: use project names; '*', '?' and '[…]' are wildcards"
            )
        found.append(pattern)
    return tuple(found)


def _items(env: Mapping[str, str], name: str) -> list[str]:
    return [item.strip() for item in env.get(name, "").split(",") if item.strip()]
