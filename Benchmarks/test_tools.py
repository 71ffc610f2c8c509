"""Tests the tools, run.py and follow.py against stand-in servers: a broken answer must be seen as one. Run by `make check`."""

import array
import contextlib
import fcntl
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
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
            ("journal-make", "-1"), ("journal-make",),
            ("follow-load", 1, "/"), ("follow-load", "-j", "/", 1), ("follow-load", "-j", "/", "-f", "x", 1, "/"),
            ("follow-load", "-j", "/", "-d", 0, 1, "/"), ("follow-load", "-j", "/", "-m", 100_000, 1, "/"),
            ("journal-iterate", "all"), ("journal-iterate", "tail", "/", 0),
        ):
            with self.subTest(command):
                self.assertEqual(run(*command).returncode, 64)


class StandInTail:
    """A journald's socket and event streams of what comes in there, changed by `spoil`: entry to events."""

    def __init__(self, spoil=lambda entry: [sse(entry)], head=b"200 OK", more=b""):
        self.spoil, self.head, self.more = spoil, head, more
        self.targets, self.sources, self.clients = [], [], []
        # The most that one client has left in the kernel at one time. Not what is left at the end: this thread may be late.
        self.waiting = 0

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory()
        self.path = f"{self.directory.name}/socket"
        self.journald = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.journald.bind(self.path)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        for work in (self.accept, self.deliver):
            threading.Thread(target=work, daemon=True).start()
        return self

    def __exit__(self, *_):
        for each in (self.journald, self.listener, *(client for client, _ in self.clients)):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self.directory.cleanup()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, source = self.listener.accept()
                request = b""
                while b"\r\n\r\n" not in request:
                    request += client.recv(65536)
                target = request.split()[1].decode()
                self.targets.append(target)
                self.sources.append(source[0])
                self.clients.append((client, urllib.parse.parse_qs(urllib.parse.urlsplit(target).query)))
                client.sendall(b"HTTP/1.1 %s\r\nTransfer-Encoding: chunked\r\n\r\n" % self.head + self.more)

    def deliver(self):
        with contextlib.suppress(OSError):
            while data := self.journald.recv(1 << 20):
                entry = dict(line.split("=", 1) for line in data.decode().splitlines())
                events = self.spoil(entry)
                for client, query in list(self.clients):
                    if query.get("filter", [None])[0] in (None, f"LOAD_KEY:{entry['LOAD_KEY']}"):
                        self.give(client, events)
                self.waiting = max(self.waiting, max((pending(client) for client, _ in self.clients), default=0))

    @staticmethod
    def give(client, events):
        with contextlib.suppress(OSError):
            for event in events:
                client.sendall(chunks(event, 97) if event else b"0\r\n\r\n")

    def load(self, *arguments, target="/?cursor=END"):
        return run("follow-load", "-j", self.path, "-r", 20, "-d", 1, "-e", 0.1, "-w", 0.5, *arguments, self.port, target)


def pending(client):
    """Bytes that the other side's kernel has not taken yet."""
    SIOCOUTQ = 0x5411
    size = array.array("i", [0])
    fcntl.ioctl(client, SIOCOUTQ, size)
    return size[0]


def sse(entry, **changes):
    entry = dict(reversed({**entry, **changes}.items()))  # the order of fields is a journal's own
    return f'id: x\ndata: {{"fields":{json.dumps(entry, separators=(",", ":"))},"cursor":"x"}}\n\n'.encode()


def named(name):
    return f"event: {name}\ndata: {{}}\n\n".encode()


class FollowLoad(unittest.TestCase):
    PERFECT = {
        "missing": 0, "duplicates": 0, "out_of_order": 0, "unexpected": 0, "gaps": 0, "faults": 0, "ends": 0, "disconnects": 0,
    }

    def flaws(self, result, prefix=""):
        self.assertEqual(result.returncode, 0, result.stderr)
        return {name: int(pairs(result)[prefix + name]) for name in self.PERFECT}

    def spoiled(self, **by_sequence):
        """Events for an entry's number (`_7`), in place of the entry."""

        def spoil(entry):
            change = by_sequence.get(f"_{entry['LOAD_SEQ']}")
            return [sse(entry)] if change is None else change(entry)

        return spoil

    def test_all_is_delivered_to_all(self):
        foreign = chunks(b": ping\n\n" + sse({"MESSAGE": "other"}) + sse({"LOAD_RUN": "other", "LOAD_SEQ": "1"}), 5)
        with StandInTail(more=foreign) as tail:
            result = tail.load("-f", 7, "-m", 3000, "-n", 3, "-p", os.getpid())
            self.assertEqual(self.flaws(result), self.PERFECT)
            figures = {name: float(value) for name, value in pairs(result).items()}
            self.assertEqual((figures["sent"], figures["expected"], figures["delivered"]), (20, 140, 140))
            self.assertEqual(figures["delivered_share"], 1)
            self.assertTrue(0 < figures["latency_p50_ms"] <= figures["latency_p99_ms"] <= figures["latency_max_ms"] + 0.01)
            self.assertTrue(0.9 < figures["wall_s"] < 3 and figures["latency_max_ms"] < 1000, figures)
            self.assertGreater(figures["rss_connected_kb"], figures["anonymous_connected_kb"])

    def test_followers_beyond_a_thousand_come_from_another_address(self):
        with StandInTail() as tail:
            self.assertEqual(self.flaws(tail.load("-f", 1002, "-r", 1)), self.PERFECT)
            self.assertEqual(sorted((tail.sources.count(s), s) for s in set(tail.sources)), [(2, "127.0.0.3"), (1000, "127.0.0.2")])

    def test_each_filter_has_its_entries(self):
        with StandInTail() as tail:
            result = tail.load("-f", 8, "-k", 3)
            self.assertEqual(self.flaws(result), self.PERFECT)
            self.assertEqual(int(pairs(result)["expected"]), 3 * 7 + 3 * 7 + 2 * 6)
            self.assertEqual(sorted(tail.targets)[-1], "/?cursor=END&filter=LOAD_KEY:k2")
        with StandInTail(self.spoiled(_4=lambda e: [sse(e), sse(e, LOAD_SEQ="5"), sse(e, LOAD_SEQ="99")])) as tail:
            self.assertEqual(self.flaws(tail.load("-f", 2, "-k", 2)), {**self.PERFECT, "unexpected": 2})

    def test_what_is_wrong_is_counted(self):
        held = []

        def hold(entry):
            held.append(sse(entry))
            return []

        def load(spoil):
            with StandInTail(self.spoiled(**spoil)) as tail:
                return tail.load("-f", 2)

        pool, cases = ThreadPoolExecutor(20), []
        for name, spoil, flaws in (
            ("lost", {"_3": lambda e: [], "_19": lambda e: []}, {"missing": 4}),
            ("repeated", {"_5": lambda e: [sse(e)] * 3}, {"duplicates": 4}),
            ("repeated later", {"_5": lambda e: [sse(e), sse(e, LOAD_SEQ="2")]}, {"duplicates": 2}),
            ("reordered", {"_7": hold, "_8": lambda e: [sse(e), held.pop()]}, {"out_of_order": 2}),
            ("canary again", {"_7": lambda e: [sse(e), sse(e, LOAD_SEQ="-")]}, {"duplicates": 2}),
            ("gap", {"_7": lambda e: [named("gap"), sse(e)]}, {"gaps": 2}),
            ("gap in place", {"_7": lambda e: [named("gap")]}, {"gaps": 2, "missing": 2}),
            ("other event", {"_7": lambda e: [sse(e), named("strange")]}, {"unexpected": 2}),
            ("malformed", {"_7": lambda e: [sse(e, LOAD_SENT="")]}, {"unexpected": 2, "missing": 2}),
            ("never sent", {"_7": lambda e: [sse(e), sse(e, LOAD_SEQ="20")]}, {"unexpected": 2}),
            ("from the future", {"_7": lambda e: [sse(e, LOAD_SENT="9" * 18)]}, {"unexpected": 2, "missing": 2}),
            ("unfinished", {"_19": lambda e: [sse(e)[:-1]]}, {"missing": 2}),
            ("fault", {"_18": lambda e: [sse(e), named("fault"), b""]}, {"faults": 2, "disconnects": 2, "missing": 2}),
            ("end", {"_18": lambda e: [sse(e), named("end"), b""]}, {"ends": 2, "disconnects": 2, "missing": 2}),
        ):
            cases.append((name, flaws, pool.submit(load, spoil)))
        for name, flaws, result in cases:
            with self.subTest(name):
                self.assertEqual(self.flaws(result.result()), {**self.PERFECT, **flaws})

    def test_latency_is_from_sending_to_receipt(self):
        def wait(entry):
            if entry["LOAD_SEQ"] == "5":
                time.sleep(0.2)
            return [sse(entry)]

        with StandInTail(wait) as tail:
            figures = pairs(tail.load("-f", 1, "-r", 4, "-d", 2.5))
            self.assertTrue(float(figures["latency_p50_ms"]) < 150 < 199 < float(figures["latency_p99_ms"]) < 600, figures)
            self.assertAlmostEqual(float(figures["latency_p99_ms"]), float(figures["latency_max_ms"]), delta=0.02)

    def test_a_slow_follower_reads_the_rest_in_the_end(self):
        for spoil, flaws in ({}, {}), ({"_30": lambda e: []}, {"missing": 1}):
            with self.subTest(flaws), StandInTail(self.spoiled(**spoil)) as tail:
                result = tail.load("-f", 2, "-s", 1, "-m", 10_000, "-r", 50)
                self.assertEqual(self.flaws(result, "slow_"), {**self.PERFECT, **flaws})
                self.assertEqual(int(pairs(result)["expected"]), 100)
                self.assertEqual(int(pairs(result)["slow_expected"]), 50)
                self.assertGreater(tail.waiting, 300_000)

    def test_a_reader_of_the_backlog_begins_anew(self):
        foreign = chunks(sse({"MESSAGE": "x" * 10_000}) * 100, 65536)
        with StandInTail(more=foreign) as tail:
            result = tail.load("-f", 1, "-b", "/backlog")
            self.assertEqual(self.flaws(result), self.PERFECT)
            self.assertGreater(int(pairs(result)["backlog_reads"]), 3)
            self.assertGreater(int(pairs(result)["backlog_bytes"]), 1_000_000)
            self.assertGreater(tail.targets.count("/backlog"), 3)
            self.assertEqual((pairs(result)["backlog_broken"], pairs(result)["backlog_gaps"]), ("0", "0"))

    def test_waiting_and_writing_alone(self):
        with StandInTail() as tail:
            result = tail.load("-f", 3, "-r", 0)
            self.assertEqual(self.flaws(result), self.PERFECT)
            self.assertEqual((pairs(result)["sent"], pairs(result)["expected"]), ("0", "0"))
            result = tail.load("-f", 0, "-r", 500)
            self.assertEqual((result.returncode, pairs(result)["sent"]), (0, "500"), result.stderr)

    def test_what_cannot_be_measured_is_a_failure(self):
        with StandInTail(head=b"429 Too Many Requests") as tail:
            result = tail.load("-f", 1)
            self.assertEqual(result.returncode, 1)
            self.assertIn("429", result.stderr)
        with StandInTail(more=b"0\r\n\r\n") as tail:
            self.assertEqual(tail.load("-f", 1).returncode, 1)
        with StandInTail() as tail:
            self.assertEqual(run("follow-load", "-j", tail.path + "x", "-f", 1, tail.port, "/").returncode, 1)
            self.assertEqual(tail.load("-f", 1, "-p", 1 << 22).returncode, 1)
        self.assertEqual(tail.load("-f", 1).returncode, 1)  # it is gone


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

    def test_every_hundred_thousandth_is_rare(self):
        rare = [b"CODE_FUNC=rare\n" in entry for entry in self.make(3, 99_998).split(b"\n\n")[:3]]
        self.assertEqual(rare, [False, True, False])


class JournalIterate(unittest.TestCase):
    def test_it_counts_what_matches(self):
        with tempfile.TemporaryDirectory() as directory:
            made = subprocess.run([TOOLS / "journal-make", "30", "99980"], capture_output=True, check=True).stdout
            subprocess.run(
                ["/lib/systemd/systemd-journal-remote", f"--output={directory}/a.journal", "--split-mode=none", "-"],
                input=made, capture_output=True, check=True)
            for mode, arguments, entries in (
                ("all", [], 30), ("all", ["CODE_FUNC=rare"], 1), ("all", ["CODE_FUNC=none"], 0), ("search", [7], 210),
                ("search", [7, "CODE_FUNC=rare"], 7), ("tail", [3], 30), ("tail", [3, "CODE_FUNC=rare"], 3),
                ("tail-open", [3, "CODE_FUNC=rare"], 3),
            ):
                with self.subTest(mode=mode, arguments=arguments):
                    result = run("journal-iterate", mode, directory, *arguments)
                    self.assertEqual(int(pairs(result)["entries"]), entries, result.stderr)
                    if entries:
                        self.assertEqual(int(pairs(result)["fields"]), 21 * entries)


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
        self.assertEqual(len(rows), 2 + 15)
        self.assertIn("2000 lines instead of 1000", table)  # the stand-in sends events whatever was asked for
        self.assertRegex([row for row in rows if "as SSE" in row][0], r"\d / [\d.]+ / [\d.]+ +\| >= 0.45 x")
        self.assertIn("the download is not whole", table)
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


JOURNALD = "/lib/systemd/systemd-journald"


@unittest.skipUnless(
    os.geteuid() == 0 and os.access(JOURNALD, os.X_OK) and Path("/etc/machine-id").exists(),
    "only root can start a systemd-journald of its own",
)
class FollowDriver(Driver):
    """Driver's tests that fit, with follow.py in the place of run.py."""

    test_a_missed_bar_or_a_short_answer_fails_the_check = None
    test_files_it_did_not_make_stay = None

    def command(self, mode, *more):
        self.program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -B "{__file__}" --stand-in-tail {mode} "$@"\n')
        self.program.chmod(0o755)
        results = Path(self.directory.name, "RESULTS.md")
        return [sys.executable, "-B", HERE / "follow.py", "--quick", "--loghost", self.program, "--results", results, *more]

    def remains(self):
        places = ("/etc/systemd", "/run/systemd", "/run/log/journal", "/var/log/journal")
        return [file for place in places for file in Path(place).glob("*loghostbench*")]

    def stand_ins(self):
        ours = re.compile(rb"\0loghostbench\d|/journal\.loghostbench\d|--namespace=loghostbench\d")
        return super().stand_ins() + [p for p in Path("/proc").glob("[0-9]*/cmdline") if ours.search(self.read(p))]

    @staticmethod
    def read(path):
        with contextlib.suppress(OSError):
            return path.read_bytes()
        return b""

    def test_it_prints_and_writes_the_table(self):
        results = Path(self.directory.name, "RESULTS.md")
        results.write_text("# Live tail\n\nold\n\n# Something else\n\nstays\n")
        command = self.command("good", "--only", "one,filters,slow,backlog")
        result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(results.read_text(), result.stdout + "# Something else\n\nstays\n")
        for work in ("1 follower, 10 entries/s", "50 followers with 10 filters, 100 entries/s"):
            self.assertRegex(result.stdout, rf"{work}: delivered, % +\| 100.000 / 100.000 / 100.000 .*\| pass")
        self.assertRegex(result.stdout, r"the same, delivered to the slow one in the end, % +\| 100.000 ")
        self.assertRegex(result.stdout, r"the same, what the reader reads, MB/s +\| \d")
        self.assertNotIn("## Failed", result.stdout)
        self.assertEqual((self.stand_ins(), self.remains()), ([], []))

    def test_what_is_lost_fails_the_check(self):
        command = self.command("lossy", "--only", "one", "--check")
        result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertIn("of 20 due: 2 missing, 2 duplicates", result.stdout)

    def test_a_program_that_ends_at_once_is_named(self):
        command = self.command("good", "--only", "one", "--check")
        self.program.write_text("#!/bin/sh\necho no plugins here\nexit 78\n")
        result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(result.returncode, 1)
        self.assertIn("no plugins here", result.stdout)
        self.assertEqual(self.remains(), [])

    def test_no_process_survives_however_it_ends(self):
        for number in (signal.SIGKILL, signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                process = subprocess.Popen(
                    self.command("good", "--only", "one"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                    env={**os.environ, "TMPDIR": self.directory.name},  # SIGKILL leaves the temporary directory
                )
                deadline = time.monotonic() + 60
                name = f"/journal.loghostbench{process.pid}/".encode()
                while not any(name in self.read(p) for p in Path("/proc").glob("[0-9]*/cmdline")):
                    self.assertLess(time.monotonic(), deadline)
                    time.sleep(0.05)
                process.send_signal(number)
                process.wait(30)
                time.sleep(0.3)
                self.assertEqual(self.stand_ins(), [])
                if number != signal.SIGKILL:
                    self.assertEqual(self.remains(), [])  # also what the killed one left


class Tail(BaseHTTPRequestHandler):
    """Event streams of what journalctl follows."""

    entries, news, lossy = [], threading.Condition(), False

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path == "/healthz":
            self.wfile.write(sized(b"ok\n"))
            return
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        wanted = query.get("filter", [None])[0]
        self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        place = len(self.entries) if "cursor" in query else 0
        with contextlib.suppress(OSError):
            while True:
                with self.news:
                    self.news.wait_for(lambda: len(self.entries) > place)
                for entry in self.entries[place:]:
                    place += 1
                    if wanted not in (None, f"LOAD_KEY:{entry.get('LOAD_KEY')}"):
                        continue
                    times = {"3": 0, "4": 2, "5": 0, "6": 2}.get(entry.get("LOAD_SEQ"), 1) if self.lossy else 1
                    self.wfile.write(chunks(sse(entry) * times, 65536))


def stand_in_tail(arguments):
    """Serves as `loghost serve --config FILE` would, for follows of the namespace."""
    Tail.lossy = arguments[0] == "lossy"
    config = Path(arguments[arguments.index("--config") + 1]).read_text()
    namespace = re.search(r'"namespace": "([^"]+)"', config)[1]
    server = ThreadingHTTPServer(("127.0.0.1", int(re.search(r"127\.0\.0\.1:(\d+)", config)[1])), Tail)
    server.daemon_threads = True
    server.request_queue_size = 256
    command = ["journalctl", f"--namespace={namespace}", "--follow", "--no-tail", "--output=json", "--quiet"]
    journalctl = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def stop(*_):
        journalctl.kill()
        os._exit(0)

    def follow():
        for line in journalctl.stdout:
            entry = {name: value for name, value in json.loads(line).items() if isinstance(value, str)}
            with Tail.news:
                Tail.entries.append(entry)
                Tail.news.notify_all()

    signal.signal(signal.SIGTERM, stop)
    threading.Thread(target=follow, daemon=True).start()
    server.serve_forever()


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
    elif sys.argv[1:2] == ["--stand-in-tail"]:
        stand_in_tail(sys.argv[2:])
    else:
        unittest.main()
