"""What agent and masters have in common: admission, and the rules of a test, around an endpoint's answer."""

import asyncio
import sys
import traceback

from stats import readable
from wire import Answer, Hang, HangUp, Server, unescape

GARBAGE = b"\x16\x03\x01\x00\xee\x01\x00\r\n\r\n\xff\xfe<html>"


class Simulated(Server):
    """A server whose requests are counted and may be delayed, held or spoiled."""

    def __init__(self, name, port, world):
        super().__init__(name, port)
        self.world = world
        self.hung = {}

    def respond(self, request):
        """Gives the answer; raises Hang or HangUp for none."""
        raise NotImplementedError

    def begin(self, request, connection):
        request.server = self.name
        try:
            path = request.query.get(b"path") if request.path.startswith(b"/files/") else None
            request.subject = readable(path or request.target)
        except HangUp:
            request.subject = readable(request.target)
        self.world.stats.arrived(request)
        rules = self.world.rules
        failure, hold, delay = rules.failure(request), rules.hold(request), self.delay(request)
        if failure is None and hold is None and not delay:
            self.answer_now(request, connection)
        else:
            self.spawn(self.answer_later(request, connection, failure, hold, delay))

    def delay(self, request):
        """Seconds to wait before the request is looked at."""
        delays = self.world.settings.delay_ms
        if isinstance(delays, dict):
            if not delays:
                return 0
            path = readable(request.path)
            delays = delays.get(f"{self.name} {path}", delays.get(path, delays.get("*", 0)))
        return delays / 1000

    def answer_now(self, request, connection):
        answer = self.answer(request, connection)
        if answer:
            self.deliver(request, connection, answer)

    async def answer_later(self, request, connection, failure, hold, delay):
        if delay:
            await asyncio.sleep(delay)
        if hold and hold.stage == "before":
            await self.world.rules.wait(hold, request)
        if failure is None or failure == "cut":
            answer = self.answer(request, connection)
        else:
            answer = self.spoiled(request, connection, failure)
        if answer and hold and hold.stage == "after":
            await self.world.rules.wait(hold, request)
        if answer and failure == "cut":
            await self.cut_short(request, connection, answer)
        elif answer:
            self.deliver(request, connection, answer)

    def answer(self, request, connection):
        """Gives the answer, or None when there is none and the connection has been seen to."""
        try:
            unescape(request.path), request.query  # M3: whatever the endpoint makes of them
            return self.respond(request)
        except Hang:
            self.hang(request, connection)
        except HangUp:
            self.world.stats.count("broken_escape")
            self.drop(request, connection)
        except Exception:
            traceback.print_exc(file=sys.stderr)
            self.world.stats.count("errors")
            self.drop(request, connection)
        return None

    def spoiled(self, request, connection, failure):
        """Does what a rule wants instead of an answer, or gives the answer that it wants."""
        if isinstance(failure, int):
            return Answer(failure)
        if failure == "garbage-body":
            return Answer(200, b'{"data":"\xff\\u00')
        if failure == "hang":
            self.hang(request, connection)
            return None
        if failure == "garbage":
            connection.transport.write(GARBAGE)
        self.drop(request, connection)
        return None

    async def cut_short(self, request, connection, answer):
        """Sends half of an answer."""
        whole = answer.encoded(request)
        if connection.request is request:
            connection.transport.write(whole[:len(whole) - (len(answer.body) + 1) // 2])
        if answer.stream:
            await answer.stream(connection, answer.length // 2)
        self.drop(request, connection)

    def deliver(self, request, connection, answer):
        if answer.stream:
            self.spawn(self.stream(request, connection, answer))
        elif connection.request is request:
            self.world.stats.finished(request, answer.status)
            connection.send(answer)

    async def stream(self, request, connection, answer):
        if connection.request is request:
            connection.transport.write(answer.encoded(request))
        try:
            await answer.stream(connection)
        except Hang:
            self.hang(request, connection)
            return
        if connection.request is request:
            self.world.stats.finished(request, answer.status)
            connection.sent()

    def hang(self, request, connection):
        if connection.request is request:
            request.status = "hang"
            self.hung[request] = connection

    def drop(self, request, connection):
        """Closes without an answer."""
        if connection.request is request:
            self.world.stats.finished(request, "close")
            connection.request = None
            connection.transport.close()

    def heal(self):
        """Closes the connections that hang, as an end of the process would."""
        for request, connection in list(self.hung.items()):
            self.drop(request, connection)
        self.hung.clear()

    def misunderstood(self):
        self.world.stats.count("garbage")

    def abandoned(self, request):
        self.hung.pop(request, None)
        self.world.stats.finished(request, "abandoned")
