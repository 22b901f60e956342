"""A look at boards in a browser, on this machine alone."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

from recbench.contracts.errors import ParameterError

HOST = "127.0.0.1"


class _Files(SimpleHTTPRequestHandler):
    """Files as they are now: a page that was built again shows when it is loaded again."""

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not of interest."""


def open_server(folder: Path, *, port: int) -> tuple[ThreadingHTTPServer, list[str]]:
    """A server of a folder, which listens but does not answer yet, and the addresses of the boards in it.

    Args:
      folder: of one board, or of several.
      port: 0: any that is free.

    Raises:
      ParameterError: there is no page in the folder, or the port is taken.
    """
    pages = [*folder.glob("index.html"), *sorted(folder.glob("*/index.html"))]
    if not pages:
        raise ParameterError(f"there is no index.html in {folder} or its folders: 'recbench board build' writes one")
    try:
        server = ThreadingHTTPServer((HOST, port), partial(_Files, directory=str(folder)))
    except OSError as error:
        raise ParameterError(f"port {port} cannot be used ({error.strerror}): choose another with --port") from error
    paths = [quote(page.relative_to(folder).as_posix()) for page in pages]
    return server, [f"http://{HOST}:{server.server_port}/{path}" for path in paths]
