"""Tests the tools and run.py against a stand-in server: a broken answer must be seen as one. Run by `make check`."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import ThreadingUnixStreamServer

HERE = Path(__file__).resolve().parent
TOOLS = HERE / ".build"
LINE = b'{"fields":{"MESSAGE":"hello"},"cursor":"s=1","monotonic_timestamp":1,"realtime_timestamp":2}\n'


def chunks(body, size):
    return b"".join(b"%x\r\n%s\r\n" % (len(body[i : i + size]), body[i : i + size]) for i in range(0, len(body), size))


def chunked(body, size=65536, status=b"200 OK"):
    return b"HTTP/1.1 %s\r\nTransfer-Encoding: Chunked\r\n\r\n%s0\r\n\r\n" % (status, chunks(body, size))


def sized(body, length=None, more=b""):
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n%s" % (len(body) if length is None else length, more, body)


EVENTS = b": ping\n\n" + b"".join(b"id: %d\ndata: %s\n" % (i, LINE) for i in range(99))
GOOD = {
    "/ones": chunked(LINE * 20, 1), "/sevens": chunked(LINE * 20, 7), "/big": chunked(LINE * 20000),
    "/events": chunked(EVENTS, 5), "/sized": sized(LINE * 20), "/ten": chunked(LINE * 10, 300),
    "/trailer": chunked(LINE * 20)[:-2] + b"X-Count: 20\r\n\r\n",
    "/continue": b"HTTP/1.1 100 Continue\r\n\r\n" + chunked(LINE * 20),
}
BROKEN = {  # the server closes after these
    "/unterminated": chunked(LINE * 20)[:-5], "/half-terminated": chunked(LINE * 20)[:-2],
    "/short": sized(LINE, len(LINE) + 1), "/behind": chunked(LINE) + b"x", "/unframed": b"HTTP/1.1 200 OK\r\n\r\n" + LINE,
    "/bad-size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "/silence": b"",
    "/long-chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
    "/500": chunked(LINE, status=b"500 Internal Server Error"), "/204": b"HTTP/1.1 204 No Content\r\n\r\n",
    "/no-line-end": chunked(LINE[:-1]), "/long-header": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
}


class StandIn(BaseHTTPRequestHandler):
    """Sends the bytes of a path as they stand; as a loghost (`entries` set) also the routes that run.py asks for."""

    entries = 0

    def handle_one_request(self):
        line = self.rfile.readline(65537)
        while line and self.rfile.readline(65537).strip():
            pass
        self.close_connection = True
        if line:
            path = line.split()[1].decode()
            self.wfile.write(self.answer(path))
            self.close_connection = path in BROKEN

    def handle(self):
        self.close_connection = False
        while not self.close_connection:
            self.handle_one_request()

    def answer(self, path):
        if path == "/healthz":
            return sized(b"ok\n")
        if path == "/v1/range/?skip_prev=10":
            return GOOD["/ten"]
        if path == "/v1/range/":
            return chunked((b"data: " + LINE + b"\n") * self.entries)
        return GOOD.get(path) or BROKEN[path]


class UnixServer(ThreadingUnixStreamServer):
    daemon_threads = True


def run(name, *arguments):
    return subprocess.run([TOOLS / name, *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)


def pairs(result):
    return dict(pair.split("=", 1) for pair in result.stdout.split())


class HTTPTools(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
        cls.server.daemon_threads = True
        cls.port = cls.server.server_address[1]
        threading.Thread(target=cls.server.serve_forever, daemon=True).start()

    @classmethod
    def tearDownClass(cls):
        cls.server.shutdown()
        cls.server.server_close()

    def test_range_counts_whole_answers_however_they_are_cut(self):
        for path, unit, units in (
            ("/ones", "lines", 20), ("/sevens", "lines", 20), ("/big", "lines", 20000), ("/sized", "lines", 20),
            ("/trailer", "lines", 20), ("/continue", "lines", 20), ("/events", "events", 100),
        ):
            with self.subTest(path):
                result = run("http-range", self.port, path, "*/*", unit)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertEqual(int(pairs(result)["units"]), units)
                self.assertEqual(pairs(result)["framing"], "length" if path == "/sized" else "chunked")

    def test_range_refuses_what_is_broken(self):
        for path in BROKEN:
            with self.subTest(path):
                result = run("http-range", self.port, path, "*/*", "lines")
                self.assertEqual(result.returncode, 1, result.stdout)
                self.assertTrue(result.stderr)

    def test_range_over_a_unix_socket(self):
        with tempfile.TemporaryDirectory() as directory, UnixServer(f"{directory}/socket", StandIn) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            result = run("http-range", f"unix:{directory}/socket", "/sevens", "*/*", "lines")
            server.shutdown()
            self.assertEqual((result.returncode, pairs(result).get("units")), (0, "20"), result.stderr)

    def test_last_repeats_on_kept_connections(self):
        result = run("http-last", "-c", 4, "-s", 0.5, "-n", 10, self.port, "/ten", "*/*")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertGreater(int(pairs(result)["answers"]), 4)

    def test_last_refuses_what_is_broken(self):
        for path in [*BROKEN, "/sevens"]:  # /sevens is whole but has 20 lines
            with self.subTest(path):
                if path == "/no-line-end":
                    continue
                result = run("http-last", "-c", 2, "-s", 0.5, "-n", 10, self.port, path, "*/*")
                self.assertEqual(result.returncode, 1, result.stdout)

    def test_wrong_arguments_are_refused(self):
        for command in (
            ("http-range",), ("http-range", 0, "/", "*/*", "words"), ("http-last", "-c", 0, 1, "/", "*/*"),
            ("journal-make", "-1"), ("journal-make",), ("journal-iterate", "all"), ("journal-iterate", "tail", "/", 0),
        ):
            with self.subTest(command):
                self.assertEqual(run(*command).returncode, 64)


def parse_export(data):
    """Splits export format into entries: lists of (name, value)."""
    entries, fields = [], []
    while data:
        line, _, data = data.partition(b"\n")
        if not line:
            entries.append(fields)
            fields = []
        elif b"=" in line:
            fields.append(tuple(line.split(b"=", 1)))
        else:
            size = int.from_bytes(data[:8], "little")
            fields.append((line, data[8 : 8 + size]))
            assert data[8 + size : 9 + size] == b"\n"
            data = data[9 + size :]
    return entries


class JournalMake(unittest.TestCase):
    def make(self, *arguments):
        return subprocess.run([TOOLS / "journal-make", *map(str, arguments)], capture_output=True, check=True).stdout

    def test_slices_make_the_same_journal(self):
        whole = self.make(1000)
        self.assertEqual(whole, self.make(400) + self.make(600, 400))
        self.assertNotEqual(whole, self.make(1000, 0, 2))

    def test_entries_are_as_described(self):
        entries = parse_export(self.make(10000))
        self.assertEqual(len(entries), 10000)
        odd = size = 0
        for entry in entries:
            fields = [field for field in entry if not field[0].startswith(b"__")]
            names = {name for name, _ in fields}
            self.assertEqual((len(fields), len(names)), (21, 21))
            size += sum(len(name) + 1 + len(value) for name, value in fields)
            odd += any(b"\n" in value or b"\xff" in value for _, value in fields)
        self.assertTrue(60 <= odd <= 140, odd)
        self.assertTrue(500 <= size / len(entries) <= 620, size / len(entries))


class Driver(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        self.program = Path(self.directory.name, "loghost")

    def command(self, entries, *more):
        self.program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -B "{__file__}" --stand-in {entries} "$@"\n')
        self.program.chmod(0o755)
        base = Path(self.directory.name)
        return [
            sys.executable, "-B", HERE / "run.py", "--quick", "--entries", "1000", "--loghost", self.program,
            "--journal-dir", base / "journal", "--results", base / "RESULTS.md", *more,
        ]

    def stand_ins(self):
        """Processes whose command line has our temporary directory in it."""
        found = []
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if self.directory.name.encode() in process.read_bytes() or b"--stand-in" in process.read_bytes():
                    found.append(process)
            except OSError:
                pass
        return found

    def test_it_prints_and_writes_the_table(self):
        result = subprocess.run(self.command(1000), capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        table = Path(self.directory.name, "RESULTS.md").read_text()
        self.assertEqual(result.stdout, table + "\n")
        rows = [line for line in table.splitlines() if line.startswith("|")]
        self.assertEqual(len(rows), 2 + 12)
        self.assertIn("2000 lines instead of 1000", table)  # the stand-in sends events whatever was asked for
        self.assertRegex([row for row in rows if "as SSE" in row][0], r"\d / [\d.]+ / [\d.]+ +\| >= 0.22 x")
        self.assertNotIn(self.directory.name, table)
        self.assertEqual(self.stand_ins(), [])

    def test_a_missed_bar_or_a_short_answer_fails_the_check(self):
        result = subprocess.run(self.command(999, "--check"), capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("999 events instead of 1000", result.stdout)
        self.assertEqual(self.stand_ins(), [])

    def test_a_program_that_ends_at_once_is_named(self):
        command = self.command(0)
        self.program.write_text("#!/bin/sh\necho no plugins here\nexit 78\n")
        result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(result.returncode, 2)
        self.assertIn("no plugins here", result.stderr)

    def test_files_it_did_not_make_stay(self):
        journal = Path(self.directory.name, "journal")
        journal.mkdir()
        (journal / "mine.journal").write_text("mine")
        result = subprocess.run(self.command(0), capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(result.returncode, 2)
        self.assertEqual([file.name for file in journal.iterdir()], ["mine.journal"])

    def test_no_process_survives_however_it_ends(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
            with self.subTest(number):
                process = subprocess.Popen(
                    self.command(200_000, "--runs", "3"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                    env={**os.environ, "TMPDIR": self.directory.name},  # SIGKILL leaves the temporary directory
                )
                deadline = time.monotonic() + 60
                while len(self.stand_ins()) < 2 and time.monotonic() < deadline:
                    time.sleep(0.05)
                time.sleep(0.3)
                process.send_signal(number)
                process.wait(30)
                time.sleep(0.3)
                self.assertEqual(self.stand_ins(), [])


def stand_in(arguments):
    """Serves as `loghost serve --config FILE` would."""
    StandIn.entries = int(arguments[0])
    config = Path(arguments[arguments.index("--config") + 1]).read_text()
    for line in config.splitlines():
        if line.startswith("plugin_path: "):
            json.loads(line.removeprefix("plugin_path: "))
    server = ThreadingHTTPServer(("127.0.0.1", int(re.search(r"127\.0\.0\.1:(\d+)", config)[1])), StandIn)
    server.daemon_threads = True
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1:2] == ["--stand-in"]:
        stand_in(sys.argv[2:])
    else:
        unittest.main()
