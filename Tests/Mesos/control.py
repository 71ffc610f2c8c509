"""The control interface, which no Mesos has: a test sets, counts and holds by it. JSON in and out.

GET /stats[?requests=N]   what was asked so far; N bounds the long lists (10000).
POST /reset[?only=stats]  the state at the start: settings, rules, sandboxes and servers; or only zeroes.
POST /set                 settings, as below; those that are not named stay as they are.
POST /pause               {"match": REGEX of the target, "server"?, "times"?, "stage"?: "before" the request is looked at or
                          "after", when its answer is ready}: holds requests.
POST /resume              {"match"?}: lets go who is held by the pauses with this text, or by all; the pauses end.

Settings:
cap, cap_random, seed     bytes of a read at most; whether each read gets a random number of them up to that; the seed of it.
escape                    "new" or "1.6".
pace                      [microseconds a read takes, and for each KiB it gives]; the agent does nothing else meanwhile.
delay_ms                  a number, or {ENDPOINT: number} where ENDPOINT is a path, "SERVER path" or "*".
fail                      a list of {"match", "server"?, "times"?, "status"}: a status code, "close", "hang", "garbage" (no HTTP),
                          "garbage-body" (no JSON) or "cut" (half of the answer).
recovering                true, {"refused_ms", "missing_ms", "unavailable_ms"}: the agent restarts now; false: it is back now.
down                      true (the agent), false, or a list of names of servers: connections are refused.
auth                      null or what access.py says.
leader, redirect          number of the leading master or null; the HOST:PORT that the others name instead of its own.
agent_id                  null: the first directory in DIR/slaves.
tasks, completed, unreachable, frameworks, slaves   what cluster.py says; frameworks take "checkpoint": false, "completed": true.
agent_state, master_state fields of the states that replace the derived ones.
heal                      true: what hangs is closed, and files are served again after a FIFO was read.
"""

import asyncio
import json
import re
import urllib.parse

from settings import Failure, Hold
from stats import REQUESTS_KEPT, readable
from wire import Answer, Server, text

ACTIONS = ("recovering", "heal")


class Control(Server):
    def __init__(self, port, world):
        super().__init__("control", port)
        self.world = world
        self.turn = asyncio.Lock()

    def begin(self, request, connection):
        self.spawn(self._serve(request, connection))

    async def _serve(self, request, connection):
        async with self.turn:
            try:
                result = await self._do(request)
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError, re.error) as error:
                answer = text(400, f"{type(error).__name__}: {error}".encode("utf-8", "backslashreplace"))
            else:
                answer = Answer(404) if result is None else Answer(200, json.dumps(result).encode())
        if connection.request is request:
            connection.send(answer)

    async def _do(self, request):
        query = dict(urllib.parse.parse_qsl(readable(request.raw_query)))
        if (request.method, request.path) == (b"GET", b"/stats"):
            return self._stats(int(query.get("requests", REQUESTS_KEPT)))
        if request.method != b"POST":
            return None
        given = json.loads(request.body or b"{}")
        if not isinstance(given, dict):
            raise ValueError("an object is expected")
        if request.path == b"/set":
            return await self._set(given)
        if request.path == b"/reset":
            return await self._reset(query.get("only"))
        if request.path == b"/pause":
            self.world.rules.holds.append(Hold(given))
            return {}
        if request.path == b"/resume":
            held = len(self.world.rules.held)
            self.world.rules.release(given.get("match"))
            return {"held": held}
        return None

    def _stats(self, requests):
        world, servers = self.world, self.world.servers
        return world.stats.report(requests) | {
            "held": len(world.rules.held),
            "held_targets": [readable(request.target) for request in world.rules.held],
            "hung": sum(len(server.hung) for server in servers),
            "phase": world.agent.phase,
            "files_hang": world.agent.files.hanging,
            "connections": {server.name: {"open": len(server.connections), "total": server.accepted} for server in servers},
        }

    async def _set(self, given):
        world = self.world
        failures = [Failure(each) for each in given.get("fail", [])]
        settings = {name: value for name, value in given.items() if name not in ACTIONS}
        before = {name: getattr(world.settings, name) for name in settings if name in world.settings.DEFAULTS}
        world.settings.update(settings)
        try:
            world.cluster.load()
            self._check_leader()
        except Exception:
            world.settings.update(before)
            world.cluster.load()
            raise
        if "fail" in given:
            world.rules.failures = failures
        if "seed" in given or "cap_random" in given:
            world.agent.files.random.seed(world.settings.seed)
        await self._act(given)
        return {}

    def _check_leader(self):
        leader = self.world.settings.leader
        if leader is not None and not 0 <= leader < len(self.world.masters):
            raise ValueError(f"there is no master {leader}")

    async def _act(self, given):
        agent, recovering = self.world.agent, given.get("recovering")
        if "down" in given:
            await self._take_down()
        if given.get("heal"):
            for server in self.world.servers:
                server.heal()
        if recovering:
            agent.restart(**recovering if isinstance(recovering, dict) else {})
        elif recovering is False:
            agent.stop_restart()
            await agent.open()

    async def _take_down(self):
        down = self.world.settings.down
        names = ["agent"] if down is True else down or []
        for server in self.world.servers:
            if server.name in names:
                server.close()
            elif server.name != "agent" or self.world.agent.phase != "refused":
                await server.open()

    async def _reset(self, only):
        world = self.world
        if only != "stats":
            world.agent.stop_restart()
            world.settings.update(world.initial)
            world.rules.failures = []
            world.rules.release()
            world.sandboxes.gone.clear()
            world.cluster.load()
            world.agent.files.random.seed(world.settings.seed)
            for server in world.servers:
                server.heal()
                await server.open()
            for master in world.masters:
                master.free_at = 0
        world.stats.clear()
        return {}
