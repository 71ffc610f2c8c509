"""The agent: its files, its state, and its restart."""

import asyncio
import os

from files import Files
from simulated import Simulated
from wire import Answer


class Agent(Simulated):
    def __init__(self, port, world):
        super().__init__("agent", port, world)
        self.files = Files(world.sandboxes, world.settings, world.stats, world.access.may_read)
        self.phase = "up"  # or refused, then missing, then unavailable (M36)
        self.restarting = None

    def respond(self, request):
        is_file = request.path in self.files.endpoints
        if is_file and self.phase == "missing":
            return Answer(404)  # M36
        if request.path == b"/state" and self.phase != "up":
            return Answer(503)  # M36
        refusal = self.world.access.refusal(request)
        if refusal:
            return refusal
        if is_file:
            return self.files.respond(request)
        if request.path == b"/state":
            cluster = self.world.cluster
            return Answer(200, cluster.document("agent_state", self.world.access.shown(request)))  # M38
        return Answer(404)

    def heal(self):
        super().heal()
        self.files.hanging = False

    def restart(self, refused_ms=200, missing_ms=50, unavailable_ms=2000):
        """Ends and comes back as a real one does (M36)."""
        self.stop_restart()
        self.phase = "refused"
        self.close()
        self.heal()
        frameworks = self.world.cluster.frameworks.values()
        self.world.sandboxes.restart({os.fsencode(each["id"]) for each in frameworks if each.get("checkpoint") is False})
        self.restarting = self.spawn(self._come_back(refused_ms / 1000, missing_ms / 1000, unavailable_ms / 1000))

    def stop_restart(self):
        if self.restarting:
            self.restarting.cancel()
        self.restarting = None
        self.phase = "up"

    async def _come_back(self, refused, missing, unavailable):
        await asyncio.sleep(refused)
        self.phase = "missing"
        await self.open()
        await asyncio.sleep(missing)
        self.phase = "unavailable"
        await asyncio.sleep(unavailable)
        self.phase = "up"
