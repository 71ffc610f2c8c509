"""Starts a stand-in over a directory of its own, and speaks to it without a library that would correct anything."""

import json
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

PROGRAM = pathlib.Path(__file__).with_name("standin.py")
PATIENCE = 10


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


class Client:
    """A connection. `ask` gives the reply, or None when the server closes without one."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.file = self.socket.makefile("rb")

    def send(self, target, *headers, method="GET", body=b""):
        lines = [f"{method} {target} HTTP/1.1", "Host: x", *headers]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode() + body)

    def receive(self):
        try:
            line = self.file.readline()
        except ConnectionError:
            return None
        if not line:
            return None
        headers = {}
        while (field := self.file.readline()) not in (b"\r\n", b""):
            name, _, value = field.partition(b":")
            headers[name.decode().lower()] = value.strip()
        return Reply(int(line.split()[1]), headers, self.file.read(int(headers["content-length"])))

    def ask(self, *arguments, **options):
        self.send(*arguments, **options)
        return self.receive()

    def is_silent(self, seconds=0.15):
        """Whether nothing comes for so long, not even the end."""
        self.socket.settimeout(seconds)
        try:
            self.socket.recv(1, socket.MSG_PEEK)
            return False
        except TimeoutError:
            return True
        except ConnectionError:
            return False
        finally:
            self.socket.settimeout(PATIENCE)

    def close(self):
        self.file.close()
        self.socket.close()


class StandInTest(unittest.TestCase):
    """A test with a stand-in of its own and one sandbox."""

    options = ()

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name).resolve()
        self.run_directory = self.make_run("F1", "e1", "c1")
        self.process = subprocess.Popen(
            [sys.executable, "-B", PROGRAM, "--root", self.root, *self.options], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(self.end)
        self.ports = json.loads(self.process.stdout.readline())

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        try:
            self.process.wait(PATIENCE)
        finally:
            self.process.kill()

    def make_run(self, framework, executor, container):
        path = self.root / "slaves/S1/frameworks" / framework / "executors" / executor / "runs" / container
        path.mkdir(parents=True)
        return path

    def write(self, name, data):
        path = self.run_directory / name
        path.write_bytes(data)
        return path

    def client(self, port=None):
        client = Client(port or self.ports["agent"])
        self.addCleanup(client.close)
        return client

    def ask(self, target, *headers, port=None, **options):
        return self.client(port).ask(target, *headers, **options)

    def master(self, target, *headers, index=0):
        return self.ask(target, *headers, port=self.ports["masters"][index])

    def files(self, endpoint, path, *headers, **parameters):
        return self.ask(target(endpoint, path, **parameters), *headers)

    def read(self, path, *headers, **parameters):
        return self.files("read", path, *headers, **parameters)

    def control(self, path, **settings):
        reply = self.ask(path, port=self.ports["control"], method="POST", body=json.dumps(settings).encode())
        self.assertEqual(reply.status, 200, reply.body)
        return reply.json

    def set(self, **settings):
        self.control("/set", **settings)

    def stats(self):
        return self.ask("/stats", port=self.ports["control"]).json

    def wait(self, condition):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            self.assertLess(time.monotonic(), deadline, "what is waited for does not happen")
            time.sleep(0.005)


def target(endpoint, path, **parameters):
    query = {"path": os.fsencode(path), **parameters}
    return f"/files/{endpoint}?" + urllib.parse.urlencode(query, quote_via=urllib.parse.quote)


def unescaped(body):
    """The bytes between the quotes of `data`, as they were in the file."""
    inside = re.fullmatch(rb'\{"data":"(.*)","offset":-?[0-9]+\}', body, re.DOTALL).group(1)
    short = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"f": b"\f"}

    def byte(match):
        code = match.group(1)
        return bytes([int(code[1:], 16)]) if code[:1] == b"u" else short.get(code, code)

    return re.sub(rb"\\(u00[0-9a-fA-F]{2}|.)", byte, inside, flags=re.DOTALL)
