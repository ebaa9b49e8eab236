"""Callbacks print, keep and write what TensorFlow 1.15's do."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

import retrograd as tf
from retrograd.keras import callback, callback_control, callback_logs
from retrograd.keras.progress import Progbar
from tests.keras.test_reference import DATA, load


def test_callbacks_as_tensorflow(capsys: pytest.CaptureFixture[str]) -> None:
    modules = (callback, callback_logs, callback_control)
    known = {name: value for module in modules for name, value in vars(module).items()}
    with tf.Graph().as_default():
        load("keras_callback_runs").printed(tf, SimpleNamespace(**known), Progbar)
    found = capsys.readouterr().out
    wanted = (DATA / "keras_callbacks.txt").read_bytes().decode()
    assert found.splitlines() == wanted.replace("\r\n", "\n").splitlines()


class Server(BaseHTTPRequestHandler):
    """Keeps what it is sent."""

    sent: list[tuple[str, str]]

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        kind = self.headers["Content-Type"]
        self.sent.append((kind, self.rfile.read(size).decode()))
        self.send_response(404)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        del format, args


def test_remote_monitor_sends() -> None:
    Server.sent = []
    server = HTTPServer(("localhost", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        root = f"http://localhost:{server.server_port}"
        callback_logs.RemoteMonitor(root).on_epoch_end(0, {"loss": 1.5})
        monitor = callback_logs.RemoteMonitor(root, send_as_json=True)
        monitor.on_epoch_end(1, {"loss": 2.5})
    finally:
        server.shutdown()
        server.server_close()
    form, plain = Server.sent
    assert form[0] == "application/x-www-form-urlencoded"
    assert form[1].startswith("data=%7B%22epoch%22%3A+0")
    assert plain[0] == "application/json"
    assert json.loads(plain[1]) == {"epoch": 1, "loss": 2.5}
