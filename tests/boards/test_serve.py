"""Boards are served to this machine alone, as they are now."""

from __future__ import annotations

import threading
import urllib.request
from pathlib import Path

import pytest

from recbench.boards.serve import open_server
from recbench.contracts.errors import ParameterError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b-v1", "a v1"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.html").write_text(name)
    (tmp_path / "empty").mkdir()
    return tmp_path


def test_each_board_has_an_address_and_a_changed_page_is_seen(folder: Path) -> None:
    server, addresses = open_server(folder, port=0)
    with server:
        assert server.server_address[0] == "127.0.0.1"
        assert [each.rpartition(":")[2].partition("/")[2] for each in addresses] == [
            "a%20v1/index.html",
            "b-v1/index.html",
        ]
        answering = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        answering.start()
        try:
            for text in ("a v1", "again"):
                (folder / "a v1" / "index.html").write_text(text)
                with urllib.request.urlopen(addresses[0], timeout=30) as answer:
                    assert answer.read().decode() == text and answer.headers["Cache-Control"] == "no-store"
        finally:
            server.shutdown()
            answering.join()


def test_one_board_is_served_alone(folder: Path) -> None:
    server, addresses = open_server(folder / "b-v1", port=0)
    server.server_close()
    assert addresses == [f"http://127.0.0.1:{server.server_port}/index.html"]


def test_a_folder_without_pages_and_a_taken_port_are_said(folder: Path) -> None:
    with pytest.raises(ParameterError, match=r"there is no index\.html in .*empty or its folders"):
        open_server(folder / "empty", port=0)
    server, _ = open_server(folder, port=0)
    with server, pytest.raises(ParameterError, match=f"port {server.server_port} cannot be used .*--port"):
        open_server(folder, port=server.server_port)
