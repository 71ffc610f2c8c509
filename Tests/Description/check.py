#!/usr/bin/env python3
"""Has schemathesis (PyPI) ask a running host whatever its own description allows and forbids. BUILD is where the build lies.

Without schemathesis nothing is checked, and that is said.
"""

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = Path(os.environ.get("BUILD", ROOT / ".build/release")).resolve()
JOURNAL_REMOTE = "/lib/systemd/systemd-journal-remote"
PATIENCE = 20
# Streams never end; and which fields there are a plugin says in its summary only.
LEFT_OUT = "^/v1/(stream|fields)/"


def fail(text):
    print(f"description: {text}", file=sys.stderr)
    sys.exit(1)


def write_journal(path):
    """A few hundred entries of components and of a container."""
    entries = []
    for number in range(300):
        time_us = 1_700_000_000_000_000 + number * 1_000_000
        entries.append(
            f"__REALTIME_TIMESTAMP={time_us}\n__MONOTONIC_TIMESTAMP={number * 1_000_000 + 7}\n_BOOT_ID={'1' * 32}\n"
            f"MESSAGE=entry {number}\nPRIORITY={number % 8}\n_SYSTEMD_UNIT={'ab'[number % 2]}.service\n"
            "FRAMEWORK_ID=F1\nEXECUTOR_ID=E1\nCONTAINER_ID=C1\nAGENT_ID=S1\nSTREAM=STDOUT\n\n")
    subprocess.run(
        [JOURNAL_REMOTE, f"--output={path}", "--split-mode=none", "-"], input="".join(entries).encode(), check=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def write_sandbox(root):
    run = root / "slaves/S1/frameworks/F1/executors/E1/runs/C1"
    run.mkdir(parents=True)
    (run / "stdout").write_text("".join(f"line {number}\n" for number in range(300)))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_ready(process, port):
    for _ in range(PATIENCE * 20):
        if process.poll() is not None:
            fail(f"the host ended with {process.returncode}")
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2)
        except OSError:
            time.sleep(0.05)
    fail("the host was not ready")


def main():
    if importlib.util.find_spec("schemathesis") is None:
        print("description: schemathesis is not installed; only the tests' own parsers look at the description")
        return 0
    with tempfile.TemporaryDirectory(prefix="loghost-description.") as name:
        directory = Path(name)
        journal = directory / "journal"
        journal.mkdir()
        write_journal(journal / "a.journal")
        (directory / "work").mkdir()
        write_sandbox(directory / "work")
        standin = subprocess.Popen(
            [sys.executable, "-B", ROOT / "Tests/Mesos/standin.py", "--root", directory / "work"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        agent = json.loads(standin.stdout.readline())["agent"]
        port = free_port()
        config = directory / "loghost.yaml"
        config.write_text(
            f"listen: [tcp://127.0.0.1:{port}]\nplugin_path: [{json.dumps(str(BUILD))}]\nplugins:\n"
            f"  - {{name: journald, library: libloghost-journald.so, config: {{directory: {json.dumps(str(journal))}}}}}\n"
            "  - {name: encoders, library: libloghost-encoders.so}\n"
            "  - {name: sandbox, library: libloghost-mesos-sandbox.so,"
            f" config: {{role: agent, agent: \"127.0.0.1:{agent}\"}}}}\n")
        host = subprocess.Popen([BUILD / "loghost", "serve", "--config", config], stdout=subprocess.DEVNULL)
        try:
            wait_until_ready(host, port)
            result = subprocess.run(
                [
                    sys.executable, "-m", "schemathesis.cli", "--config-file", HERE / "schemathesis.toml", "run",
                    f"http://127.0.0.1:{port}/openapi.json", "--exclude-path-regex", LEFT_OUT, "--checks", "all", "--phases", "examples,coverage,fuzzing",
                    "--max-examples", "60", "--request-timeout", "10", "--generation-deterministic", "--continue-on-failure", "--no-color",
                ],
                env={**os.environ, "SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": f"{HERE}:{os.environ.get('PYTHONPATH', '')}"},
                cwd=directory, check=False)
            if host.poll() is not None:
                fail(f"the host ended with {host.returncode}")
            host.send_signal(signal.SIGTERM)
            if host.wait(PATIENCE) != 0:
                fail("the host did not stop cleanly")
            return result.returncode
        finally:
            for process in (host, standin):
                if process.poll() is None:
                    process.kill()


if __name__ == "__main__":
    sys.exit(main())
