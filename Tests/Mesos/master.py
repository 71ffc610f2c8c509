"""A master, one of several: it leads, or it knows who does, or nobody does."""

import asyncio

from simulated import Simulated
from stats import readable
from wire import Answer


class Master(Simulated):
    def __init__(self, index, port, world):
        super().__init__(f"master{index}", port, world)
        self.index = index
        self.free_at = 0

    def delay(self, request):
        """M40: nothing else is answered while a state is being made."""
        delay, now = super().delay(request), asyncio.get_running_loop().time()
        busy = max(0, self.free_at - now)
        if request.path == b"/state" and delay:
            self.free_at = now + busy + delay
        return busy + delay

    def respond(self, request):
        refusal = self.world.access.refusal(request)
        if refusal:
            return refusal
        leader = self.world.settings.leader
        if leader is None:
            return Answer(503)  # M48
        if leader != self.index:
            address = self.world.settings.redirect or f"127.0.0.1:{self.world.masters[leader].port}"
            return Answer(307, headers=b"Location: //%s%s\r\n" % (address.encode(), request.target))  # M47
        return self.lead(request)

    def lead(self, request):
        cluster, shown = self.world.cluster, self.world.access.shown(request)
        if request.path == b"/state":
            return Answer(200, cluster.document("master_state", shown))  # M40
        if request.path == b"/tasks":
            return Answer(200, cluster.document("tasks_with", self._asked(request, b"task_id"), shown))  # M41
        if request.path == b"/slaves":
            return Answer(200, cluster.document("slaves_with", self._asked(request, b"slave_id")))  # M42
        return Answer(404)

    @staticmethod
    def _asked(request, name):
        value = request.query.get(name)
        return None if value is None else value.decode("utf-8", "surrogateescape")
