"""Downloads against a server on this machine: checksums, retries, broken connections, records."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pooch.core
import pytest

from recbench.contracts.errors import DataError, DownloadError
from recbench.data.download import RECORDED, Remote, fetch, network

CONTENT = b"user,item\n1,2\n" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Server:
    """Answers each request with the next of ``answers``; the last one stays."""

    url: str = ""
    answers: list[str] = field(default_factory=lambda: ["whole"])
    requests: list[str] = field(default_factory=list)


@pytest.fixture
def server(monkeypatch, tmp_path):
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            state.requests.append(self.path)
            answer = state.answers.pop(0) if len(state.answers) > 1 else state.answers[0]
            content = b"something else" if answer == "wrong" else CONTENT
            self.send_response(503 if answer == "busy" else 200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[:100] if answer == "truncated" else content)

        def log_message(self, *_):
            pass

    listening = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{listening.server_port}/log.csv"
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("RECBENCH_CACHE", str(tmp_path))
    monkeypatch.delenv("RECBENCH_OFFLINE", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(pooch.core.time, "sleep", lambda _: None)
    yield state
    listening.shutdown()
    thread.join()
    listening.server_close()


def remote(sha256=SHA256):
    return Remote("tiny", "log.csv", sha256, "for tests only", "tiny/log.csv")


def files(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_file_is_fetched_once_and_its_licence_named_once(server, tmp_path, capfd):
    path = fetch(remote(), urls=[server.url])
    assert path.read_bytes() == CONTENT
    out, err = capfd.readouterr()
    assert out == ""
    assert "licence: for tests only" in err
    assert fetch(remote(), urls=[server.url]) == path
    assert capfd.readouterr().err == ""
    assert len(server.requests) == 1
    assert files(tmp_path) == ["log.csv"]


@pytest.mark.parametrize("fault", ["truncated", "wrong", "busy"])
def test_a_fault_that_passes_is_retried(server, fault):
    server.answers = [fault, "whole"]
    assert fetch(remote(), urls=[server.url]).read_bytes() == CONTENT
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("fault", "reason"),
    [("truncated", "IncompleteRead"), ("wrong", "another sha256 than"), ("busy", "HTTP status 503")],
)
def test_a_fault_that_stays_leaves_nothing_and_gives_the_manual_way(server, tmp_path, fault, reason):
    server.answers = [fault]
    with pytest.raises(DownloadError) as error:
        fetch(remote(), urls=[server.url])
    for part in (reason, server.url, str(tmp_path / "data" / "tiny" / "log.csv"), "RECBENCH_DATA"):
        assert part in str(error.value)
    assert "\n" not in str(error.value)
    assert files(tmp_path) == []


def test_a_mirror_is_tried_after_the_first_address(server):
    server.answers = ["busy", "busy", "busy", "whole"]
    assert fetch(remote(), urls=[f"{server.url}?first", f"{server.url}?mirror"]).read_bytes() == CONTENT
    assert server.requests[-1].endswith("?mirror")


def test_a_broken_file_in_the_cache_is_fetched_again(server):
    path = fetch(remote(), urls=[server.url])
    path.write_bytes(CONTENT[:100])
    assert fetch(remote(), urls=[server.url]).read_bytes() == CONTENT


def test_without_network_nothing_is_asked(server, monkeypatch):
    with network(offline=True), pytest.raises(DownloadError, match="--offline"):
        fetch(remote(), urls=[server.url])
    monkeypatch.setenv("RECBENCH_OFFLINE", "1")
    with pytest.raises(DownloadError, match="network is off"):
        fetch(remote(), urls=[server.url])
    assert server.requests == []
    monkeypatch.delenv("RECBENCH_OFFLINE")
    path = fetch(remote(), urls=[server.url])
    with network(offline=True):
        assert fetch(remote(), urls=[server.url]) == path


def test_no_server_at_all(server):
    with pytest.raises(DownloadError, match=r"could not be fetched.*refused"):
        fetch(remote(), urls=["http://127.0.0.1:9/log.csv"])


def test_a_checksum_that_nobody_gives_is_recorded_and_held(server, tmp_path):
    path = fetch(remote(RECORDED), urls=[server.url])
    assert (path.parent / "log.csv.sha256").read_text().strip() == SHA256
    assert fetch(remote(RECORDED), urls=[server.url]) == path
    path.write_bytes(b"changed")
    with pytest.raises(DataError, match=r"not the file that was fetched first.*remove both"):
        fetch(remote(RECORDED), urls=[server.url])


def test_a_file_put_there_by_hand_is_taken_and_recorded(tmp_path, monkeypatch):
    monkeypatch.setenv("RECBENCH_CACHE", str(tmp_path))
    path = tmp_path / "data" / "tiny" / "log.csv"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    assert fetch(remote(RECORDED), urls=[]) == path
    assert (path.parent / "log.csv.sha256").read_text().strip() == SHA256
