"""One structured line per request and per event, without credentials."""

import json
import logging
from datetime import UTC, datetime

from wheelyard.entry.http import Request, Response

_access = logging.getLogger("wheelyard.access")


class JsonFormatter(logging.Formatter):
    """A log record as one line of JSON, in the names that Lambda's own JSON logs use."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(
                timespec="milliseconds"
            ),
            "level": record.levelname,
            "message": record.getMessage(),
            "logger": record.name,
        }
        line.update(getattr(record, "fields", {}))
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def log_request(request: Request, response: Response, seconds: float) -> None:
    """Log who asked for what and what came of it: never a header, a query or a body."""
    length = response.header("content-length")
    fields = {
        "method": request.method,
        "path": request.path,
        "status": response.status,
        "bytes": int(length) if length else None,
        "duration_ms": round(seconds * 1000, 2),
        "user": response.user or None,
        "client": request.client or None,
        "user_agent": request.headers.get("user-agent", "")[:200] or None,
        "request_id": request.id or None,
    }
    extra = {"fields": {name: value for name, value in fields.items() if value is not None}}
    _access.info("request", extra=extra)
