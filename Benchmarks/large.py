#!/usr/bin/env python3
"""Measures LogHost on a journal of 3,000,000 entries in 60 files beside one of 30,000 in one, and prints ratios. See README.md."""

import sys
import tempfile
import urllib.parse
from pathlib import Path

import run
from run import CONNECTIONS, Failure, Row, Server, tool

ENTRIES, FILES = 3_000_000, 60
SMALL_ENTRIES = 30_000
UNIT = "_SYSTEMD_UNIT=mesos-4.service"
RARE = "CODE_FUNC=rare"  # every 100,000th


def target(field, more=""):
    return f"/v1/range/?filter={urllib.parse.quote(field.replace('=', ':'))}{more}"


def make_rows():
    return {
        "unit": Row(
            f"a component's last 10 in {ENTRIES:,} entries beside {SMALL_ENTRIES:,}, requests/s of both "
            "(beside the same of a warm handle)", "x", ratio_at_least=round(1 / 1.5, 3), digits=3),
        "unit_large": Row("the same, the large journal", "requests/s"),
        "rare": Row(f"filter that passes 1 of 100,000 (beside the same match)", "searches/s", ratio_at_least=round(1 / 1.2, 3), digits=1),
    }


def last(options, server):
    return tool(
        "http-last", "-c", CONNECTIONS, "-s", options.seconds, "-n", 10, server.port, target(UNIT, "&skip_prev=10"),
        "application/json")["per_s"]


def warm(options, directory):
    return tool("journal-iterate", "tail", directory, options.repeats, UNIT)["per_s"]


def measure_run(options, large, small, rows):
    ours = last(options, large), last(options, small)
    base = warm(options, options.large_dir), warm(options, options.small_dir)
    rows["unit"].add(ours[0] / ours[1], base[0] / base[1])
    rows["unit_large"].add(ours[0], base[0])
    count = options.entries // 100_000
    searches = tool("http-last", "-c", 1, "-s", options.seconds, "-n", count, large.port, target(RARE), "application/json")["per_s"]
    # A warm handle: as for all of it, and without what opening 60 files takes.
    found = tool("journal-iterate", "search", options.large_dir, options.searches, RARE)
    if found["entries"] != count * options.searches:
        raise Failure(f"{found['entries']:.0f} rare entries in {options.searches} searches")
    rows["rare"].add(searches, found["per_s"])


def measure(options):
    facts = run.machine()
    run.build_tools()
    run.require_program(options)
    run.make_journal(options.large_dir, options.entries, options.files)
    run.make_journal(options.small_dir, SMALL_ENTRIES, 1)
    rows = make_rows()
    with tempfile.TemporaryDirectory(prefix="loghost-bench.") as directory:
        servers = []
        try:
            for name in ("large", "small"):
                place = Path(directory) / name
                place.mkdir()
                servers.append(Server(options, place, {"directory": str(getattr(options, f"{name}_dir"))}))
            for number in range(options.runs):
                run.say(f"run {number + 1} of {options.runs} …")
                measure_run(options, *servers, rows)
        finally:
            for server in servers:
                server.stop()
    text = run.report(
        "Large journal",
        f"{options.entries:,} entries of {run.FIELDS} fields in {options.files} files; {options.runs} interleaved runs. "
        "Bars apply to medians. Made by `large.py`.", rows, facts)
    run.write_results(options.results, text)
    print(text)
    return all(row.passed for row in rows.values() if row.has_bar)


def main():
    options = run.parse_common(run.make_parser(__doc__, runs=3), runs=3)
    options.entries, options.files = (300_000, 6) if options.quick else (ENTRIES, FILES)
    options.seconds = 1 if options.quick else 4
    options.repeats, options.searches = (500, 20) if options.quick else (5_000, 200)
    options.large_dir = (run.TOOLS / ("journal-300k-6" if options.quick else "journal-3m")).absolute()
    options.small_dir = (run.TOOLS / "journal-30k-1").absolute()
    try:
        passed = measure(options)
    except Failure as failure:
        run.say(f"large.py: {failure}")
        return 2
    return 0 if passed or not options.check else 1


if __name__ == "__main__":
    sys.exit(main())
