#!/usr/bin/env python3
"""Measures LogHost beside C loops over libsystemd on the same journal, and prints ratios. See README.md."""

import argparse
import concurrent.futures
import contextlib
import hashlib
import ctypes
import http.client
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import iam

HERE = Path(__file__).resolve().parent
TOOLS = HERE / ".build"
JOURNAL_REMOTE = "/lib/systemd/systemd-journal-remote"
GENERATOR = 2  # raise it when journal-make writes something else: cached journals are then made again
FILES = 4
SEED = 1
FIELDS = 21
CONNECTIONS = 8
START_PATIENCE = 15  # seconds until the first answer
STOP_PATIENCE = 10  # seconds from SIGTERM to SIGKILL
TOOL_PATIENCE = 600  # seconds for one measurement
SETTLE = 1.0  # seconds from the first answer to the idle figures
SAMPLE = 0.05  # seconds between two looks at the server's memory


class Failure(Exception):
    """A measurement, or the whole set, cannot be made; the text says why."""


# Processes

_running = []
_libc = ctypes.CDLL(None, use_errno=True)


def _die_with_parent():
    PR_SET_PDEATHSIG = 1
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def start(command, **options):
    """Starts a process that ends when this one does, however that comes about."""
    command = [str(part) for part in command]
    try:
        process = subprocess.Popen(command, preexec_fn=_die_with_parent, **options)
    except OSError as error:
        raise Failure(f"cannot start {command[0]}: {error.strerror}")
    _running.append(process)
    return process


def end(process, patience=0.0):
    """Ends a process we started: SIGTERM, then SIGKILL when patience is over. Returns its exit code."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            process.kill()
    code = process.wait()
    if process in _running:
        _running.remove(process)
    return code


def tool(name, *arguments):
    """Runs one of the C tools; returns its name=value pairs, numbers as floats."""
    process = start([TOOLS / name, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        output, errors = process.communicate(timeout=TOOL_PATIENCE)
    except subprocess.TimeoutExpired:
        raise Failure(f"{name} took more than {TOOL_PATIENCE} s")
    finally:
        end(process)
    if process.returncode != 0:
        raise Failure(" ".join(errors.split()) or f"{name} ended with {process.returncode}")
    pairs = dict(pair.split("=", 1) for pair in output.split())
    return {k: float(v) if re.fullmatch(r"[0-9.]+", v) else v for k, v in pairs.items()}


# The journal


def make_journal(directory, entries, files=FILES):
    """Makes the journal in `directory` unless it is there already; never touches files that it did not make."""
    marker = directory / "made-by-benchmarks.json"
    made = {"generator": GENERATOR, "entries": entries, "files": files, "seed": SEED}
    if marker.exists() and json.loads(marker.read_text()) == made:
        return
    if directory.exists() and any(directory.iterdir()) and not marker.exists():
        raise Failure(f"{directory} is not empty and was not made by this program; choose another --journal-dir")
    if not os.access(JOURNAL_REMOTE, os.X_OK):
        raise Failure(f"{JOURNAL_REMOTE} is missing: apt-get install systemd-journal-remote")
    say(f"making a journal of {entries:,} entries in {files} files …")
    directory.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=directory.name + ".", dir=directory.parent))
    try:
        partial.chmod(0o755)
        def write(file):
            first, after = entries * file // files, entries * (file + 1) // files
            write_journal_file(partial / f"{file}.journal", after - first, first)

        with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            list(pool.map(write, range(files)))
        counted = tool("journal-iterate", "all", partial)
        if counted["entries"] != entries or counted["fields"] != entries * FIELDS:
            raise Failure(f"the journal has {counted['entries']:.0f} entries with {counted['fields']:.0f} fields")
        (partial / marker.name).write_text(json.dumps(made) + "\n")
        if directory.exists():
            shutil.rmtree(directory)
        partial.rename(directory)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_journal_file(path, count, first):
    maker = start([TOOLS / "journal-make", count, first, SEED], stdout=subprocess.PIPE)
    remote = start(
        [JOURNAL_REMOTE, f"--output={path}", "--split-mode=none", "-"],
        stdin=maker.stdout, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )
    maker.stdout.close()
    try:
        errors = remote.communicate(timeout=TOOL_PATIENCE)[1]
        if remote.returncode != 0 or maker.wait(TOOL_PATIENCE) != 0:
            raise Failure("systemd-journal-remote: " + " ".join(errors.decode(errors="replace").split()))
    finally:
        end(remote)
        end(maker)


# The server


class Server:
    """`loghost serve` on a free loopback port, with the journal that `journal` says, the encoders and `more` lines."""

    def __init__(self, options, directory, journal, more=""):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        config = directory / "loghost.yaml"
        config.write_text(
            f"listen: [tcp://127.0.0.1:{self.port}]\n"
            f"plugin_path: [{json.dumps(str(options.plugin_path))}]\n"
            "plugins:\n"
            f"  - {{name: journald, library: libloghost-journald.so, config: {json.dumps(journal)}}}\n"
            "  - {name: encoders, library: libloghost-encoders.so}\n" + more
        )
        self.log = directory / "loghost.log"
        with self.log.open("wb") as log:
            started = time.monotonic()
            self.process = start(
                [options.loghost, "serve", "--config", config], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            self.wait_until_healthy(started)
        except BaseException:
            end(self.process)
            raise
        self.start_ms = (time.monotonic() - started) * 1000

    def wait_until_healthy(self, started):
        answer = "no answer"
        while time.monotonic() < started + START_PATIENCE:
            if self.process.poll() is not None:
                raise Failure(f"loghost ended with {self.process.returncode} before it answered:\n{self.log_tail()}")
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
            try:
                connection.request("GET", "/healthz")
                answer = connection.getresponse().status
                if answer == 200:
                    return
            except (OSError, http.client.HTTPException):
                pass
            finally:
                connection.close()
            time.sleep(0.001)
        raise Failure(f"/healthz: {answer} after {START_PATIENCE} s:\n{self.log_tail()}")

    def log_tail(self):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])

    def memory(self):
        """Resident megabytes: all of it, and the part that is not file pages (a mapped journal is file pages)."""
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
            return tuple(int(re.search(rf"^{key}:\s+(\d+) kB", status, re.M)[1]) / 1024 for key in ("VmRSS", "RssAnon"))
        except (OSError, TypeError):
            raise Failure(f"loghost is gone (exit code {self.process.poll()})")

    def stop(self):
        code = end(self.process, STOP_PATIENCE)
        if code != 0:
            say(f"note: loghost ended with {code} on SIGTERM, expected 0")


@contextlib.contextmanager
def memory_peak(server):
    """Samples the server's memory while the body runs; yields a list that then holds [RSS, anonymous] peaks."""
    peak, done = list(server.memory()), threading.Event()

    def sample():
        while not done.wait(SAMPLE):
            try:
                peak[:] = map(max, peak, server.memory())
            except Failure:
                return

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


# Rows of the table


class Row:
    """One line: our figures, the baseline's of the same runs, and a bar for the median of one of the two columns."""

    def __init__(self, work, unit, at_least=None, at_most=None, ratio_at_least=None, digits=0):
        self.work, self.unit, self.digits = work, unit, digits
        self.at_least, self.at_most, self.ratio_at_least = at_least, at_most, ratio_at_least
        self.ours, self.base, self.failure = [], [], None

    def add(self, ours, base=None):
        self.ours.append(ours)
        if base is not None:
            self.base.append(base)

    def fail(self, failure):
        self.failure = self.failure or str(failure)

    @property
    def ratios(self):
        return [ours / base for ours, base in zip(self.ours, self.base)]

    @property
    def has_bar(self):
        return any(bar is not None for bar in (self.at_least, self.at_most, self.ratio_at_least))

    @property
    def passed(self):
        if self.failure or not self.ours or (self.ratio_at_least is not None and not self.base):
            return False
        ours = statistics.median(self.ours)
        return (
            (self.at_least is None or ours >= self.at_least)
            and (self.at_most is None or ours <= self.at_most)
            and (self.ratio_at_least is None or statistics.median(self.ratios) >= self.ratio_at_least)
        )

    def cells(self):
        def three(values, digits):
            if not values:
                return "-"
            return " / ".join(f"{v:,.{digits}f}" for v in (min(values), statistics.median(values), max(values)))

        bars = [
            f"{sign} {bar:,g}{unit}"
            for sign, bar, unit in (
                (">=", self.ratio_at_least, " x"),
                (">=", self.at_least, f" {self.unit}"),
                ("<=", self.at_most, f" {self.unit}"),
            )
            if bar is not None
        ]
        base = f"{statistics.median(self.base):,.{self.digits}f}" if self.base else "-"
        result = ("pass" if self.passed else "FAIL") if self.has_bar else "failed" if self.failure else "-"
        return [
            f"{self.work}, {self.unit}", three(self.ours, self.digits), base, three(self.ratios, 3),
            ", ".join(bars) or "-", result,
        ]


RANGES = (  # key, Accept, what http-range counts, baseline mode
    ("json", "application/json", "lines", "all"),
    ("sse", "text/event-stream", "events", "all"),
    ("text", "text/plain", "lines", "message"),
)


def make_rows():
    return {
        "json": Row("range as JSON (beside next + every field)", "entries/s", ratio_at_least=0.5),
        "sse": Row("range as SSE (beside next + every field)", "entries/s", ratio_at_least=0.45),
        "text": Row("range as text (beside next + MESSAGE)", "entries/s", ratio_at_least=0.5),
        "download": Row("download of the text, gzip (beside `gzip -6` of it)", "MB/s", ratio_at_least=0.9, digits=1),
        "last": Row(f"last 10 as JSON, {CONNECTIONS} connections (beside a warm handle)", "requests/s", ratio_at_least=0.3),
        "last_open": Row("the same (beside opening the journal each time)", "requests/s"),
        "p50": Row("the same, latency p50", "ms", digits=2),
        "p99": Row("the same, latency p99", "ms", digits=2),
        "token": Row("the same with AuthToken (beside no authorizer)", "requests/s", ratio_at_least=0.9),
        "iam": Row("the same with AuthIAM, decisions cached (beside no authorizer)", "requests/s", ratio_at_least=0.9),
        "growth": Row("RSS above idle while ranges run (beside the C loop's RSS)", "MB", at_most=64, digits=1),
        "growth_anonymous": Row("anonymous memory above idle while ranges run", "MB", digits=1),
        "idle": Row("idle RSS", "MB", at_most=45, digits=1),
        "idle_anonymous": Row("idle anonymous memory", "MB", digits=1),
        "start": Row("start to first answer", "ms", at_most=150),
    }


# Measuring


def measure_starts(options, directory, rows):
    """Starts the server as often as there are runs; returns the last one, running, and its idle memory."""
    for left in reversed(range(options.runs)):
        server = Server(options, directory, {"directory": str(options.journal_dir)})
        rows["start"].add(server.start_ms)
        try:
            time.sleep(SETTLE)
            idle = server.memory()
        except BaseException:
            end(server.process)
            raise
        rows["idle"].add(idle[0])
        rows["idle_anonymous"].add(idle[1])
        if left > 0:
            server.stop()
    return server, idle


def measure_range(options, server, row, accept, unit, base):
    result = tool("http-range", server.port, "/v1/range/", accept, unit)
    # In text a message of several lines may be several lines: there the count is a lower bound.
    more_allowed = accept == "text/plain"
    if result["units"] < options.entries or (result["units"] > options.entries and not more_allowed):
        raise Failure(f"{result['units']:.0f} {unit} instead of {options.entries}")
    if result["framing"] != "chunked":
        raise Failure(f"the answer is framed by {result['framing']}, not in chunks")
    row.add(options.entries / result["wall_s"], base["per_s"])


def measure_download(server, row, directory):
    """The whole journal as gzip, and the same text through `gzip -6`: one core each."""
    packed, text = directory / "download.gz", directory / "download"
    started = time.monotonic()
    curl = ["curl", "-sf", "-m", str(TOOL_PATIENCE), "-o", packed, f"http://127.0.0.1:{server.port}/v1/range/download"]
    if subprocess.run(curl, check=False).returncode != 0:
        raise Failure("the download is not whole")
    ours = time.monotonic() - started
    with text.open("wb") as output:
        if subprocess.run(["gzip", "-dc", packed], stdout=output, check=False).returncode != 0:
            raise Failure("the download is no gzip")
    started = time.monotonic()
    subprocess.run(["gzip", "-6", "-c", text], stdout=subprocess.DEVNULL, check=True)
    size = text.stat().st_size / 1e6
    row.add(size / ours, size / (time.monotonic() - started))
    packed.unlink()
    text.unlink()


def measure_last(options, server, token=None):
    header = ["-H", f"Authorization: Bearer {token}"] if token else []
    return tool(
        "http-last", "-c", CONNECTIONS, "-s", options.seconds, "-n", 10, *header,
        server.port, "/v1/range/?skip_prev=10", "application/json",
    )


@contextlib.contextmanager
def protected_servers(options, directory):
    """Lends servers with authorizers: by the row's key, the server and the token it takes."""
    (directory / "token").mkdir()
    (directory / "iam").mkdir()
    journal = {"directory": str(options.journal_dir)}
    digest = hashlib.sha256(b"bench").hexdigest()
    with iam.running(directory) as (address, jwt), contextlib.ExitStack() as servers:
        kinds = {
            "token": ("libloghost-auth-token.so", {"principals": [{"name": "bench", "sha256": digest}]}, "bench"),
            "iam": ("libloghost-auth-iam.so", {"iam": address, "mode": "open"}, jwt),
        }
        lent = {}
        for key, (library, config, token) in kinds.items():
            more = f"  - {{name: auth, library: {library}, config: {json.dumps(config)}}}\nauthorizers: [auth]\n"
            server = Server(options, directory / key, journal, more)
            servers.callback(server.stop)
            lent[key] = (server, token)
        yield lent


def measure_run(options, server, protected, idle, rows, directory):
    """One run of everything, our work beside its baseline."""
    base = {}
    with memory_peak(server) as peak:
        for key, accept, unit, mode in RANGES:
            if mode not in base:
                base[mode] = tool("journal-iterate", mode, options.journal_dir)
            try:
                measure_range(options, server, rows[key], accept, unit, base[mode])
            except Failure as failure:
                rows[key].fail(failure)
        try:
            measure_download(server, rows["download"], directory)
        except Failure as failure:
            rows["download"].fail(failure)
    rows["growth"].add(peak[0] - idle[0], base["all"]["max_rss_kb"] / 1024)
    rows["growth_anonymous"].add(peak[1] - idle[1])

    warm = tool("journal-iterate", "tail", options.journal_dir, options.tail_repeats)
    opening = tool("journal-iterate", "tail-open", options.journal_dir, max(1, options.tail_repeats // 20))
    try:
        result = measure_last(options, server)
        rows["last"].add(result["per_s"], warm["per_s"])
        rows["last_open"].add(result["per_s"], opening["per_s"])
        rows["p50"].add(result["p50_ms"])
        rows["p99"].add(result["p99_ms"])
    except Failure as failure:
        rows["last"].fail(failure)
    for key, (authorized, token) in protected.items():
        try:
            rows[key].add(measure_last(options, authorized, token)["per_s"], measure_last(options, server)["per_s"])
        except Failure as failure:
            rows[key].fail(failure)


# Reporting


def say(text):
    print(text, file=sys.stderr, flush=True)


def machine():
    info = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*:\s*(.+)$", info, re.M)
    memory = re.search(r"^MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.M)
    systemd = subprocess.run(["journalctl", "--version"], capture_output=True, text=True, check=False).stdout
    return [
        f"CPU: {model[1] if model else os.uname().machine}, {len(os.sched_getaffinity(0))} cores usable",
        f"Memory: {int(memory[1]) / 1024 / 1024:.1f} GB",
        f"Kernel: {os.uname().sysname} {os.uname().release}",
        f"systemd: {' '.join(systemd.splitlines()[0].split()[1:]) if systemd else 'unknown'}",
        f"Load average when it began: {os.getloadavg()[0]:.2f}",
    ]


def report(title, introduction, rows, facts):
    """One part of the results file: a heading, the table, what failed and where it was measured."""
    head = ["Work", "LogHost (min / median / max)", "Baseline (median)", "Ratio (min / median / max)", "Bar", "Result"]
    table = [head] + [row.cells() for row in rows.values()]
    widths = [max(len(cells[i]) for cells in table) for i in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths)) + " |" for cells in table]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    failures = [f"- {row.work}: {row.failure}" for row in rows.values() if row.failure]
    return "\n".join(
        [
            f"# {title}",
            "",
            introduction,
            "",
            *lines,
            "",
            *(["## Failed", "", *failures, ""] if failures else []),
            "## Machine",
            "",
            *(f"- {fact}" for fact in facts),
            "",
        ]
    )


def write_results(path, text):
    """Puts a part into the results file in place of the one with the same heading, else at its end."""
    parts = re.split(r"^(?=# )", path.read_text(), flags=re.M) if path.exists() else []
    heading = text.splitlines()[0]
    kept = [part.strip("\n") + "\n" for part in parts if part.strip()]
    places = [i for i, part in enumerate(kept) if part.splitlines()[0] == heading]
    if places:
        kept[places[0]] = text
    else:
        kept.append(text)
    path.write_text("\n".join(kept))


def build_tools():
    make = subprocess.run(["make", "-s", "-C", str(HERE)], stdout=sys.stderr, check=False)
    if make.returncode != 0:
        raise Failure("the tools do not build; libsystemd-dev and a C compiler are needed")


def require_program(options):
    if not os.access(options.loghost, os.X_OK):
        raise Failure(f"{options.loghost} is missing: swift build -c release, or --loghost PATH")


def make_parser(description, runs):
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--loghost", type=Path, default=HERE.parent / ".build/release/loghost", help="the program")
    parser.add_argument("--plugin-path", type=Path, help="where the plugins are (default: beside the program)")
    parser.add_argument("--runs", type=int, help=f"default {runs}")
    parser.add_argument("--results", type=Path, help="the file to write (default RESULTS.md, or one in .build when it is not all)")
    parser.add_argument("--quick", action="store_true", help="1 run of little work: does it work, not how fast")
    parser.add_argument("--check", action="store_true", help="exit 1 if a bar is missed")
    return parser


def parse_common(parser, runs, partial=lambda options: False):
    """Parses what all programs of this directory take; what is quick or partial does not go to RESULTS.md."""
    options = parser.parse_args()
    options.runs = options.runs if options.runs is not None else (1 if options.quick else runs)
    if not 1 <= options.runs <= 100:
        parser.error("--runs is 1 to 100")
    options.loghost = options.loghost.resolve()
    options.plugin_path = (options.plugin_path or options.loghost.parent).resolve()
    kept = not options.quick and not partial(options)
    options.results = options.results or (HERE / "RESULTS.md" if kept else TOOLS / "RESULTS-quick.md")
    return options


def parse_options():
    parser = make_parser(__doc__, runs=5)
    parser.add_argument("--entries", type=int, help="entries in the journal, default 300000")
    parser.add_argument("--journal-dir", type=Path, help="where the journal is kept (default .build/journal-300k)")
    options = parse_common(parser, runs=5)
    quick = options.quick
    options.entries = options.entries if options.entries is not None else (30_000 if quick else 300_000)
    options.seconds = 1 if quick else 5
    options.tail_repeats = 2_000 if quick else 20_000
    if not 100 <= options.entries <= 100_000_000:
        parser.error("--entries is 100 to 100,000,000")
    size = f"{options.entries // 1000}k" if options.entries % 1000 == 0 else str(options.entries)
    options.journal_dir = (options.journal_dir or TOOLS / f"journal-{size}").absolute()
    return options


def measure(options):
    facts = machine()
    build_tools()
    require_program(options)
    make_journal(options.journal_dir, options.entries)
    tool("journal-iterate", "all", options.journal_dir)  # into the page cache, before the first run
    rows = make_rows()
    with tempfile.TemporaryDirectory(prefix="loghost-bench.") as directory:
        say(f"starting loghost {options.runs} times …")
        server, idle = measure_starts(options, Path(directory), rows)
        try:
            with protected_servers(options, Path(directory)) as protected:
                for number in range(options.runs):
                    say(f"run {number + 1} of {options.runs} …")
                    measure_run(options, server, protected, idle, rows, Path(directory))
                    server.memory()
        except Failure as failure:
            raise Failure(f"{failure}\nthe server's log ends with:\n{server.log_tail()}")
        finally:
            server.stop()
    introduction = (
        f"{options.entries:,} entries of {FIELDS} fields in {FILES} files; {options.runs} interleaved runs. "
        "Bars apply to medians. Read the ratios: absolute figures are the machine's. Made by `run.py`."
    )
    text = report("Benchmark results", introduction, rows, facts)
    print(text)
    write_results(options.results, text)
    return all(row.passed for row in rows.values() if row.has_bar)


def main(name, options, measure):
    """Runs a program of this directory: returns its exit code and leaves no process behind, however it ends."""
    def stop(number, _):
        signal.signal(number, signal.SIG_IGN)  # what is under way is taken down in order
        sys.exit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    try:
        passed = measure(options)
    except Failure as failure:
        say(f"{name}: {failure}")
        return 2
    finally:
        for process in list(_running):
            end(process)
    return 1 if options.check and not passed else 0


if __name__ == "__main__":
    sys.exit(main("run.py", parse_options(), measure))
