"""A front that asks an index for HTML on behalf of clients that would rather have JSON.

pip, uv and poetry cannot be told which form to ask for, so that this stands between: it passes requests
on as they are, but for ``Accept``.
"""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class HtmlFront(NamedTuple):
    """A running front: its port, and the content type of each page that it passed on."""

    port: int
    types: list[str]


@contextmanager
def html_front(index_port: int) -> Iterator[HtmlFront]:
    """A front of the index on that port of loopback."""
    types: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = {name: value for name, value in self.headers.items() if name != "Host"}
            headers["Accept"] = "text/html"
            connection = http.client.HTTPConnection("127.0.0.1", index_port, timeout=60)
            connection.request(self.command, self.path, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
            if self.path.endswith("/"):
                types.append(answer.getheader("Content-Type", ""))
            self.send_response_only(answer.status, answer.reason)
            for name, value in answer.getheaders():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_HEAD = do_GET  # noqa: N815  # the name that the base class looks for

        def log_message(self, *_: object) -> None:
            """The index has a log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield HtmlFront(server.server_port, types)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
