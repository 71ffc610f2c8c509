#!/usr/bin/env python3
"""Stands in for a Mesos agent and masters in tests, as docs/mesos-contract.md says: `# M7` names its statement 7.

Serves real files below DIR, the agent's work_dir, on 127.0.0.1. When it is ready it prints a line of JSON:
{"agent": PORT, "master": PORT, "masters": [PORT, …], "control": PORT}. It ends on SIGTERM, or when its standard input ends.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import threading

from access import Access
from agent import Agent
from cluster import Cluster
from control import Control
from files import Sandboxes
from master import Master
from settings import Rules, Settings
from stats import Stats


class World:
    """Everything there is, and what the servers share."""

    def __init__(self, options):
        auth = {"realm": options.token_realm, "tokens": {}} if options.token_realm else None
        self.initial = Settings.DEFAULTS | {"auth": auth}
        self.settings = Settings(**self.initial)
        self.rules = Rules()
        self.stats = Stats()
        self.access = Access(self.settings)
        self.sandboxes = Sandboxes(options.root)
        self.cluster = Cluster(self.settings, self.sandboxes)
        self.agent = Agent(options.agent_port, self)
        self.cluster.agent_port = self.agent.port
        self.masters = [Master(index, options.master_port if index == 0 else 0, self) for index in range(options.masters)]
        self.control = Control(options.control_port, self)

    @property
    def servers(self):
        """Those that a real cluster has."""
        return [self.agent, *self.masters]

    async def run(self):
        loop, end = asyncio.get_running_loop(), asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, end.set)
        threading.Thread(target=wait_for_parent, args=(loop, end), daemon=True).start()
        for server in (*self.servers, self.control):
            await server.open()
        masters = [master.port for master in self.masters]
        ports = {"agent": self.agent.port, "master": masters[0], "masters": masters, "control": self.control.port}
        print(json.dumps(ports), flush=True)
        await end.wait()
        for server in (*self.servers, self.control):
            server.close()


def wait_for_parent(loop, end):
    """Waits for the end of standard input: it comes also when the test that holds the other end has crashed."""
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    with contextlib.suppress(RuntimeError):  # the loop is closed already
        loop.call_soon_threadsafe(end.set)


def options():
    parser = argparse.ArgumentParser(description="A stand-in for a Mesos agent and masters.")
    parser.add_argument("--root", required=True, metavar="DIR", help="the agent's work_dir; must exist")
    parser.add_argument("--agent-port", type=int, default=0)
    parser.add_argument("--master-port", type=int, default=0, help="of the first master")
    parser.add_argument("--control-port", type=int, default=0)
    parser.add_argument("--masters", type=int, default=1, metavar="N")
    parser.add_argument("--token-realm", nargs="?", const="mesos", metavar="NAME", help="require tokens from the start")
    given = parser.parse_args()
    if not os.path.isdir(given.root):
        parser.error(f"{given.root} is no directory")
    if given.masters < 1:
        parser.error("at least one master is needed")
    return given


async def main():
    await World(options()).run()


if __name__ == "__main__":
    asyncio.run(main())
