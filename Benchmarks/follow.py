#!/usr/bin/env python3
"""Measures LogHost's follows: thousands of followers of a journal that a real journald writes. See README.md."""

import contextlib
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import run
from run import Failure, Row, Server, say

JOURNALD = "/lib/systemd/systemd-journald"
NAMESPACE = "loghostbench"  # and our process id
PATIENCE = 10  # seconds until journald has its socket and a file
SETTLE = 1.0  # seconds from the server's first answer to the figures before anybody follows
TARGET = "/v2/component?cursor=END"
BACKLOG_TARGET = "/v2/component"
RANGE_TARGET = "/v1/range/"
FLAWS = ("missing", "duplicates", "out_of_order", "unexpected", "gaps", "faults", "ends", "disconnects")
JOURNALD_CONFIG = """# Made by LogHost's Benchmarks/follow.py, which removes it.
[Journal]
Storage=persistent
RateLimitIntervalSec=0
RateLimitBurst=0
SyncIntervalSec=1h
SystemMaxUse=4G
SystemKeepFree=64M
"""
LIMITS = "limits: {connections: 20000, followers: 12000, followers_per_address: 12000}\n"


# The journald


class Journald:
    """A systemd-journald with a namespace of its own, empty, without a limit of rate."""

    def __init__(self):
        self.name = f"{NAMESPACE}{os.getpid()}"
        self.socket = Path(f"/run/systemd/journal.{self.name}/socket")

    def __enter__(self):
        remove_namespace(self.name)
        config_file(self.name).write_text(JOURNALD_CONFIG)
        try:
            self.process = run.start([JOURNALD, self.name], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            deadline = time.monotonic() + PATIENCE
            while not (self.socket.exists() and any(d.is_dir() and any(d.iterdir()) for d in journals(self.name))):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise Failure(f"systemd-journald does not start (exit code {self.process.poll()})")
                time.sleep(0.01)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            if hasattr(self, "process"):
                run.end(self.process, run.STOP_PATIENCE)
        finally:
            remove_namespace(self.name)


def config_file(name):
    return Path(f"/etc/systemd/journald@{name}.conf")


def journals(name):
    machine_id = Path("/etc/machine-id").read_text().strip()
    return [Path(directory, f"{machine_id}.{name}") for directory in ("/run/log/journal", "/var/log/journal")]


def remove_namespace(name):
    for directory in (Path(f"/run/systemd/journal.{name}"), *journals(name)):
        shutil.rmtree(directory, ignore_errors=True)
    config_file(name).unlink(missing_ok=True)


def remove_remains():
    """Removes what earlier runs left that were killed before they could."""
    names = {file.name for file in Path("/etc/systemd").glob(f"journald@{NAMESPACE}*.conf")}
    for name in names:
        number = re.fullmatch(rf"journald@({NAMESPACE}(\d+))\.conf", name)
        if number and not Path("/proc", number[2]).exists():
            remove_namespace(number[1])


# One measurement


class Scene:
    """An empty journal, and a server that was just started on it."""

    def __init__(self, options, directory):
        self.options, self.directory, self.server = options, directory, None

    def __enter__(self):
        self.stack = contextlib.ExitStack()
        self.journald = self.stack.enter_context(Journald())
        return self

    def __exit__(self, *_):
        self.stack.close()

    def load(self, *arguments, target=TARGET):
        """Runs follow-load; on its failure the server's log is told too."""
        if self.server is None:
            self.server = Server(self.options, self.directory, {"namespace": self.journald.name}, LIMITS)
            self.stack.callback(self.server.stop)
            time.sleep(SETTLE)
        try:
            return run.tool(
                "follow-load", "-j", self.journald.socket, "-p", self.server.process.pid,
                *(("-e", 0.5, "-w", 2) if self.options.quick else ()), *arguments, self.server.port, target,
            )
        except Failure as failure:
            raise Failure(f"{failure}; the server's log ends with: {self.server.log_tail()[-500:] or 'nothing'}")

    def fill(self, entries, per_second, message):
        """Writes entries that nobody waits for, before the server starts."""
        run.tool(
            "follow-load", "-j", self.journald.socket, "-f", 0, "-r", per_second, "-d", entries / per_second,
            "-m", message, 1, "/",
        )


def add_delivered(row, result, prefix=""):
    row.add(100 * result[f"{prefix}delivered_share"])
    flaws = [f"{result[prefix + flaw]:,.0f} {flaw.replace('_', ' ')}" for flaw in FLAWS if result[prefix + flaw] > 0]
    if flaws:
        row.fail(f"of {result[prefix + 'expected']:,.0f} due: {', '.join(flaws)}")


class Sizes:
    """How much is done; `quick` shows that it works."""

    def __init__(self, quick):
        self.thousand, self.many, self.beside, self.filters = (50, 200, 10, 10) if quick else (1000, 9500, 100, 200)
        self.seconds, self.slow_seconds = (2, 3) if quick else (30, 60)
        self.backlog_entries, self.backlog_bytes = (2_000, 1e6) if quick else (80_000, 100e6)


# The rows, by measurement


def one_rows(sizes):
    return {
        "one": Row("1 follower, 10 entries/s: delivered", "%", at_least=100, digits=3),
        "one_p50": Row("the same, latency p50", "ms", at_most=8, digits=2),
        "one_p99": Row("the same, latency p99", "ms", at_most=20, digits=2),
    }


def measure_one(scenes, sizes, rows):
    with scenes() as scene:
        result = scene.load("-f", 1, "-r", 10, "-d", sizes.seconds)
    add_delivered(rows["one"], result)
    rows["one_p50"].add(result["latency_p50_ms"])
    rows["one_p99"].add(result["latency_p99_ms"])


def thousand_rows(sizes):
    return {
        "thousand": Row(f"{sizes.thousand:,} followers, 5 entries/s: delivered", "%", at_least=100, digits=3),
        "thousand_p50": Row("the same, latency p50", "ms", digits=2),
        "thousand_p99": Row("the same, latency p99", "ms", at_most=250, digits=2),
        "thousand_cpu": Row("the same, the server's processor time", "% of a core", digits=1),
    }


def measure_thousand(scenes, sizes, rows):
    with scenes() as scene:
        result = scene.load("-f", sizes.thousand, "-r", 5, "-d", sizes.seconds)
    add_delivered(rows["thousand"], result)
    rows["thousand_p50"].add(result["latency_p50_ms"])
    rows["thousand_p99"].add(result["latency_p99_ms"])
    rows["thousand_cpu"].add(100 * result["server_cpu"])


def many_rows(sizes):
    return {
        "many": Row(f"{sizes.many:,} followers, 1 entry/s: delivered", "%", at_least=100, digits=3),
        "many_p50": Row("the same, latency p50", "ms", digits=2),
        "many_p99": Row("the same, latency p99", "ms", at_most=2000, digits=2),
        "many_cpu": Row("the same, the server's processor time", "% of a core", digits=1),
        "many_start": Row("the same, until all are accepted and have had one entry", "s", digits=2),
        "memory": Row("the same, RSS per follower before the first entry", "KB", at_most=25, digits=2),
        "memory_anonymous": Row("the same, anonymous memory per follower", "KB", digits=2),
    }


def measure_many(scenes, sizes, rows):
    with scenes() as scene:
        result = scene.load("-f", sizes.many, "-r", 1, "-d", sizes.seconds)
    add_delivered(rows["many"], result)
    rows["many_p50"].add(result["latency_p50_ms"])
    rows["many_p99"].add(result["latency_p99_ms"])
    rows["many_cpu"].add(100 * result["server_cpu"])
    rows["many_start"].add(result["establish_s"])
    rows["memory"].add((result["rss_connected_kb"] - result["rss_before_kb"]) / sizes.many)
    rows["memory_anonymous"].add((result["anonymous_connected_kb"] - result["anonymous_before_kb"]) / sizes.many)


def idle_rows(sizes):
    return {
        "idle_cpu": Row(f"{sizes.thousand:,} followers of a silent journal: processor time", "% of a core", at_most=2, digits=2)
    }


def measure_idle(scenes, sizes, rows):
    with scenes() as scene:
        result = scene.load("-f", sizes.thousand, "-r", 0, "-d", sizes.seconds)
    rows["idle_cpu"].add(100 * result["server_cpu"])
    if result["disconnects"] > 0:
        rows["idle_cpu"].fail(f"{result['disconnects']:.0f} disconnects")


def filters_rows(sizes):
    work = f"{sizes.thousand:,} followers with {sizes.filters} filters, 100 entries/s"
    return {
        "filters": Row(f"{work}: delivered", "%", at_least=100, digits=3),
        "filters_cpu": Row("the same, the server's processor time", "% of a core", at_most=50, digits=1),
        "filters_p50": Row("the same, latency p50", "ms", digits=2),
        "filters_p99": Row("the same, latency p99", "ms", digits=2),
    }


def measure_filters(scenes, sizes, rows):
    with scenes() as scene:
        result = scene.load("-f", sizes.thousand, "-k", sizes.filters, "-r", 100, "-d", sizes.seconds)
    add_delivered(rows["filters"], result)
    rows["filters_cpu"].add(100 * result["server_cpu"])
    rows["filters_p50"].add(result["latency_p50_ms"])
    rows["filters_p99"].add(result["latency_p99_ms"])


def slow_rows(sizes):
    work = f"1 byte/s beside {sizes.beside} others, 1,000 entries/s, {sizes.slow_seconds} s"
    return {
        "slow_growth": Row(f"{work}: RSS growth (beside the same without)", "MB", at_most=16, digits=1),
        "slow_growth_anonymous": Row("the same, growth of anonymous memory", "MB", digits=1),
        "slow": Row("the same, delivered to the slow one in the end", "%", at_least=100, digits=3),
        "slow_rest": Row("the same, seconds it then took", "s", digits=2),
        "slow_others": Row("the same, delivered to the others", "%", at_least=100, digits=3),
        "slow_p99": Row("the same, latency p99 of the others", "ms", digits=2),
        "slow_cpu": Row("the same, the server's processor time", "% of a core", digits=1),
    }


def measure_slow(scenes, sizes, rows):
    arguments = ("-f", sizes.beside, "-r", 1000, "-d", sizes.slow_seconds)
    with scenes() as scene:
        without = scene.load(*arguments)
    with scenes() as scene:
        result = scene.load("-s", 1, *arguments)

    def growth(result, kind):
        return (result[f"{kind}_peak_kb"] - result[f"{kind}_connected_kb"]) / 1024

    rows["slow_growth"].add(growth(result, "rss"), growth(without, "rss"))
    rows["slow_growth_anonymous"].add(growth(result, "anonymous"), growth(without, "anonymous"))
    add_delivered(rows["slow"], result, "slow_")
    rows["slow_rest"].add(result["rest_s"])
    add_delivered(rows["slow_others"], result)
    rows["slow_p99"].add(result["latency_p99_ms"], without["latency_p99_ms"])
    rows["slow_cpu"].add(100 * result["server_cpu"], 100 * without["server_cpu"])


def backlog_rows(sizes):
    work = f"{sizes.beside} followers, 50 entries/s, beside a reader of {sizes.backlog_bytes / 1e6:,.0f} MB"
    return {
        "backlog": Row(f"{work}: delivered", "%", at_least=100, digits=3),
        "backlog_p99": Row("the same, latency p99 (beside the same without)", "ms", digits=2),
        "backlog_growth": Row("the same, growth of p99", "ms", at_most=50, digits=2),
        "backlog_speed": Row("the same, what the reader reads", "MB/s", digits=1),
    }


def measure_backlog(scenes, sizes, rows):
    arguments = ("-f", sizes.beside, "-r", 50, "-d", sizes.seconds)
    with scenes() as scene:
        scene.fill(sizes.backlog_entries, 10_000, 400)
        without = scene.load(*arguments)
        result = scene.load("-b", BACKLOG_TARGET, *arguments)
    add_delivered(rows["backlog"], result)
    rows["backlog_p99"].add(result["latency_p99_ms"], without["latency_p99_ms"])
    rows["backlog_growth"].add(result["latency_p99_ms"] - without["latency_p99_ms"])
    if result["backlog_reads"] == 0 or result["backlog_broken"] > 0 or result["backlog_gaps"] > 0:
        raise Failure("the reader of the backlog has read it {backlog_reads:.0f} times; {backlog_broken:.0f} answers broke, "
                      "{backlog_gaps:.0f} gaps and faults".format(**result))
    if result["backlog_bytes"] < sizes.backlog_bytes:
        raise Failure(f"the backlog had {result['backlog_bytes']:,.0f} bytes instead of {sizes.backlog_bytes:,.0f}")
    rows["backlog_speed"].add(result["backlog_bytes"] / 1e6 / result["backlog_read_s"])


def ranges_rows(sizes):
    return {
        "ranges": Row(f"{sizes.thousand:,} followers, 5 entries/s, beside two that read all as JSON: delivered", "%", at_least=100, digits=3),
        "ranges_p99": Row("the same, latency p99 (beside the same without)", "ms", digits=2),
        "ranges_growth": Row("the same, growth of p99", "ms", at_most=100, digits=2),
        "ranges_speed": Row("the same, what the two read", "MB/s", digits=1),
    }


class Readers:
    """Two clients that read a range again and again."""

    def __init__(self, port):
        self.port, self.stopping, self.bytes, self.failure = port, threading.Event(), 0, None
        self.threads = [threading.Thread(target=self.read) for _ in range(2)]

    def __enter__(self):
        self.begun = time.monotonic()
        for thread in self.threads:
            thread.start()
        return self

    def read(self):
        while not self.stopping.is_set():
            try:
                self.bytes += run.tool("http-range", self.port, RANGE_TARGET, "application/json", "lines")["bytes"]
            except Failure as failure:
                self.failure = failure
                return

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        self.speed = self.bytes / 1e6 / (time.monotonic() - self.begun)


def measure_ranges(scenes, sizes, rows):
    arguments = ("-f", sizes.thousand, "-r", 5, "-d", sizes.seconds)
    with scenes() as scene:
        scene.fill(sizes.backlog_entries, 10_000, 400)
        without = scene.load(*arguments)
        with Readers(scene.server.port) as readers:
            result = scene.load(*arguments)
    if readers.failure is not None or readers.bytes == 0:
        raise Failure(f"the two have read {readers.bytes:,} bytes; {readers.failure or 'no failure'}")
    add_delivered(rows["ranges"], result)
    rows["ranges_p99"].add(result["latency_p99_ms"], without["latency_p99_ms"])
    rows["ranges_growth"].add(result["latency_p99_ms"] - without["latency_p99_ms"])
    rows["ranges_speed"].add(readers.speed)


MEASUREMENTS = {
    "one": (one_rows, measure_one),
    "thousand": (thousand_rows, measure_thousand),
    "many": (many_rows, measure_many),
    "idle": (idle_rows, measure_idle),
    "filters": (filters_rows, measure_filters),
    "slow": (slow_rows, measure_slow),
    "backlog": (backlog_rows, measure_backlog),
    "ranges": (ranges_rows, measure_ranges),
}


# All of it


def parse_options():
    parser = run.make_parser(__doc__, runs=3)
    parser.add_argument("--only", help=f"a list of {','.join(MEASUREMENTS)}; then RESULTS.md is left alone")
    options = run.parse_common(parser, runs=3, partial=lambda options: options.only is not None)
    options.only = options.only.split(",") if options.only is not None else list(MEASUREMENTS)
    if not options.only or not set(options.only) <= set(MEASUREMENTS):
        parser.error(f"--only is a list of {','.join(MEASUREMENTS)}")
    return options


def raise_limit(descriptors):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < descriptors:
        hard = hard if hard == resource.RLIM_INFINITY else max(hard, descriptors)
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, hard))


def measure(options):
    if os.geteuid() != 0 or not os.access(JOURNALD, os.X_OK) or not Path("/etc/machine-id").exists():
        raise Failure(f"only root, with {JOURNALD} and /etc/machine-id, can start a journald of its own")
    facts = run.machine()
    run.build_tools()
    run.require_program(options)
    remove_remains()
    raise_limit(20_000)
    sizes = Sizes(options.quick)
    rows = {name: MEASUREMENTS[name][0](sizes) for name in MEASUREMENTS if name in options.only}
    with tempfile.TemporaryDirectory(prefix="loghost-follow.") as directory:
        for number in range(options.runs):
            for name, own in rows.items():
                say(f"run {number + 1} of {options.runs}: {name} …")
                try:
                    MEASUREMENTS[name][1](lambda: Scene(options, Path(directory)), sizes, own)
                except Failure as failure:
                    next(iter(own.values())).fail(failure)
    table = {key: row for own in rows.values() for key, row in own.items()}
    introduction = (
        f"Event streams on sockets, entries through a journald; runs: {options.runs}, each measurement with a journal and a "
        "server of its own. Bars apply to medians, but what is lost, repeated or out of order in any run is a failure. "
        "Latency is from just before the entry is sent to journald until the client has it. Made by `follow.py`."
    )
    text = run.report("Live tail", introduction, table, facts)
    print(text)
    run.write_results(options.results, text)
    return all(row.passed for row in table.values() if row.has_bar)


if __name__ == "__main__":
    sys.exit(run.main("follow.py", parse_options(), measure))
