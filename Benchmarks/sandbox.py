#!/usr/bin/env python3
"""Measures reading a Mesos sandbox through LogHost beside reading it from the agent, and prints ratios. See README.md."""

import contextlib
import http.client
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path

import run
from run import Failure, Row, Server, tool

STANDIN = run.HERE.parent / "Tests/Mesos/standin.py"
SANDBOX = "slaves/S1/frameworks/F1/executors/E1/runs/C1"
ROUTE = "/v2/task/frameworks/F1/executors/E1/runs/C1/stdout"
LINE = b"2026-01-02T03:04:05Z INFO worker: what has been done, for whom, how long it took, and its number %d\n"
PIECE = 65_536
LINES = 10
PACE = [680, 28]  # makes the stand-in as fast as the agent of M51 in docs/mesos-contract.md


# The agent


class Agent:
    """The stand-in for an agent over `root`."""

    def __init__(self, root):
        self.process = run.start(
            [sys.executable, "-B", STANDIN, "--root", root], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        ports = json.loads(self.process.stdout.readline())
        self.port, self.control = ports["agent"], ports["control"]

    def set_pace(self, pace):
        connection = http.client.HTTPConnection("127.0.0.1", self.control)
        connection.request("POST", "/set", json.dumps({"pace": pace}))
        status = connection.getresponse().status
        connection.close()
        if status != 200:
            raise Failure(f"the stand-in answered {status}")

    def stop(self):
        run.end(self.process)


def target(path, offset, length=PIECE):
    return f"/files/read?path={urllib.parse.quote(str(path), safe='')}&offset={offset}&length={length}"


def read_all(port, path, decodes):
    """Reads a file in a loop, one request after the other, and unescapes each piece if so wished. Returns seconds."""
    size, offset, started = path.stat().st_size, 0, time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port)
    while offset < size:
        connection.request("GET", target(path, offset))
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise Failure(f"the agent answered {response.status}")
        # Latin-1 keeps each byte what it is.
        offset += len(json.loads(body.decode("latin-1"))["data"]) if decodes else min(PIECE, size - offset)
    return time.monotonic() - started


def upload(path):
    """Copies a file over loopback as `cat FILE | curl -T- URL` does. Returns seconds."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_swallow, args=(server,))
        thread.start()
        started = time.monotonic()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        subprocess.run(["sh", "-c", 'cat "$0" | curl -sS -T- "$1"', str(path), url], check=True)
        seconds = time.monotonic() - started
        thread.join()
    return seconds


def _swallow(server):
    connection, _ = server.accept()
    with connection:
        head, buffer, end = b"", bytearray(1 << 20), b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(1 << 16)
        if b"100-continue" in head.lower():
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while not end.endswith(b"0\r\n\r\n"):
            count = connection.recv_into(buffer)
            if count == 0:
                return
            end = (end + bytes(buffer[max(0, count - 8):count]))[-8:]
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


# LogHost


def server(options, directory, port, local):
    config = {"role": "agent", "agent": f"127.0.0.1:{port}", **({"local": True} if local else {})}
    principals = {"principals": [{"name": "bench", "sha256": run.hashlib.sha256(b"bench").hexdigest()}]}
    more = f"  - {{name: sandbox, library: libloghost-mesos-sandbox.so, config: {json.dumps(config)}}}\n"
    more += f"  - {{name: token, library: libloghost-auth-token.so, config: {json.dumps(principals)}}}\n"
    more += "authorizers: [token, sandbox]\n"
    directory.mkdir()
    journal = directory / "journal"
    journal.mkdir()
    return Server(options, directory, {"directory": str(journal)}, more)


HEADER = ["-H", "Authorization: Bearer bench"]


def text(lent, size):
    """Reads the file as text. Returns seconds."""
    result = tool("http-range", *HEADER, lent.port, ROUTE, "text/plain", "lines")
    if result["bytes"] != size:
        raise Failure(f"{result['bytes']:.0f} bytes instead of {size}")
    return result["wall_s"]


def last(options, lent, connections):
    return tool(
        "http-last", "-c", connections, "-s", options.seconds, "-n", LINES, *HEADER,
        lent.port, f"{ROUTE}?cursor=END&skip=-{LINES}", "text/plain")["per_s"]


def make_rows(megabytes):
    return {
        "loop": Row(f"{megabytes} MB as text (beside a loop of reads that unescapes)", "MB/s", ratio_at_least=0.9),
        "raw": Row("the same (beside a loop of reads that looks at nothing)", "MB/s", ratio_at_least=0.9),
        "last": Row(f"last {LINES} lines, 8 connections (beside one read each)", "requests/s", ratio_at_least=0.5),
        "last_one": Row("the same, 1 connection", "requests/s", ratio_at_least=0.5),
        "last_fast": Row("the same, 8 connections, the stand-in without pace", "requests/s"),
        "last_one_fast": Row("the same, 1 connection, the stand-in without pace", "requests/s"),
        "local": Row(f"{megabytes} MB as text from the disk (beside `cat | curl -T-`)", "MB/s", ratio_at_least=0.5),
        "local_last": Row(f"last {LINES} lines from the disk, 8 connections", "requests/s"),
    }


def measure_run(options, file, agent, remote, local, rows):
    size, port = file.stat().st_size, agent.port
    megabytes = size / 1e6
    ours = text(remote, size)
    rows["loop"].add(megabytes / ours, megabytes / read_all(port, file, decodes=True))
    ours = text(remote, size)
    rows["raw"].add(megabytes / ours, megabytes / read_all(port, file, decodes=False))
    for pace, suffix in ((PACE, ""), ([0, 0], "_fast")):
        agent.set_pace(pace)
        for key, connections in (("last", 8), ("last_one", 1)):
            plain = tool(
                "http-last", "-c", connections, "-s", options.seconds, port, target(file, size - 4_096), "application/json")
            rows[key + suffix].add(last(options, remote, connections), plain["per_s"])
    ours = text(local, size)
    rows["local"].add(megabytes / ours, megabytes / upload(file))
    rows["local_last"].add(last(options, local, 8))


def measure(options):
    facts = run.machine()
    run.build_tools()
    run.require_program(options)
    size = 10_000_000 if options.quick else 100_000_000
    rows = make_rows(size // 1_000_000)
    with tempfile.TemporaryDirectory(prefix="loghost-bench.") as directory, contextlib.ExitStack() as servers:
        directory = Path(directory)
        root = directory / "mesos"
        (root / SANDBOX).mkdir(parents=True)
        file = root / SANDBOX / "stdout"
        with file.open("wb") as output:
            number = 0
            while output.tell() < size:
                output.write(LINE % number)
                number += 1
        agent = Agent(root)
        servers.callback(agent.stop)
        remote = server(options, directory / "remote", agent.port, local=False)
        servers.callback(remote.stop)
        local = server(options, directory / "local", agent.port, local=True)
        servers.callback(local.stop)
        for each in (remote, local):  # into the page cache, and what is remembered for long
            text(each, file.stat().st_size)
        for count in range(options.runs):
            run.say(f"run {count + 1} of {options.runs} …")
            measure_run(options, file, agent, remote, local, rows)
    introduction = (
        f"A sandbox's file of lines of about 100 bytes, behind the stand-in for an agent of `Tests/Mesos`; {options.runs} interleaved "
        "runs. Bars apply to medians. The stand-in takes a core for itself: read the ratios. For the last lines it has the pace that "
        "was observed of an agent (`docs/mesos-contract.md`, M51), elsewhere none. Made by `sandbox.py`."
    )
    report = run.report("Mesos sandboxes", introduction, rows, facts)
    print(report)
    run.write_results(options.results, report)
    return all(row.passed for row in rows.values() if row.has_bar)


def parse_options():
    options = run.parse_common(run.make_parser(__doc__, runs=5), runs=5)
    options.seconds = 1 if options.quick else 2
    return options


if __name__ == "__main__":
    sys.exit(run.main("sandbox.py", parse_options(), measure))
