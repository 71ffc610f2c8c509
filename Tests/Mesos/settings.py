"""What a test sets, and the rules by which single requests are delayed, held or spoiled."""

import asyncio
import re

from stats import readable

FAILURES = ("close", "hang", "garbage", "garbage-body", "cut")


class Settings:
    """The settings with their defaults. What a value means is in the documentation of `control.py`."""

    DEFAULTS = {
        "cap": 65_536, "cap_random": False, "seed": 0, "escape": "new", "pace": [0, 0],
        "delay_ms": {}, "fail": [], "down": [], "auth": None, "leader": 0, "redirect": None,
        "agent_id": None, "tasks": [], "completed": [], "unreachable": [], "slaves": None, "frameworks": [],
        "agent_state": {}, "master_state": {},
    }

    def __init__(self, **given):
        self.__dict__.update(self.DEFAULTS)
        self.update(given)

    def update(self, given):
        """Takes new values; raises ValueError, and changes nothing, when one does not fit."""
        for name, value in given.items():
            if name not in self.DEFAULTS:
                raise ValueError(f"there is no setting {name!r}")
            self._check(name, value)
        self.__dict__.update(given)

    def _check(self, name, value):
        kind = type(self.DEFAULTS[name])
        if name in ("auth", "slaves", "agent_id", "redirect", "leader"):
            if value is None:
                return
            kind = {"auth": dict, "slaves": list, "leader": int}.get(name, str)
        if name == "down" and isinstance(value, bool) or name == "delay_ms" and isinstance(value, (int, float)):
            return
        if not isinstance(value, kind):
            raise ValueError(f"{name!r} must be of type {kind.__name__}")
        if name == "delay_ms" and not all(isinstance(each, (int, float)) for each in value.values()):
            raise ValueError(f"{name!r} must hold numbers")
        if name == "pace" and not (len(value) == 2 and all(isinstance(each, (int, float)) for each in value)):
            raise ValueError(f"{name!r} must be two numbers")
        if name == "cap" and value < 1 or name == "escape" and value not in ("new", "1.6"):
            raise ValueError(f"{name!r} cannot be {value!r}")


class Rule:
    """Fits requests by their target (and server), a number of times."""

    def __init__(self, given, *keys):
        if not isinstance(given, dict) or not given.keys() <= {"match", "server", "times", *keys}:
            raise ValueError(f"no rule: {given!r}")
        self.pattern = re.compile(given.get("match", ""))
        self.server = given.get("server")
        self.left = given.get("times")

    def takes(self, request):
        """Whether the rule is for this request; if so, it is used up by one."""
        if self.left == 0 or self.server not in (None, request.server):
            return False
        if not self.pattern.search(readable(request.target)):
            return False
        if self.left is not None:
            self.left -= 1
        return True


class Failure(Rule):
    def __init__(self, given):
        super().__init__(given, "status")
        self.status = given.get("status", 500)
        if self.status not in FAILURES and not isinstance(self.status, int):
            raise ValueError(f"no such failure: {self.status!r}")


class Hold(Rule):
    """Keeps requests waiting: before they are looked at, or when their answers are ready."""

    def __init__(self, given):
        super().__init__(given, "stage")
        self.stage = given.get("stage", "before")
        if self.stage not in ("before", "after"):
            raise ValueError(f"no such stage: {self.stage!r}")
        self.match = given.get("match", "")
        self.released = asyncio.Event()


class Rules:
    """The rules in force, and who is held by them."""

    def __init__(self):
        self.failures = []
        self.holds = []
        self.held = []

    def failure(self, request):
        return next((rule.status for rule in self.failures if rule.takes(request)), None)

    def hold(self, request):
        return next((rule for rule in self.holds if rule.takes(request)), None)

    async def wait(self, hold, request):
        self.held.append(request)
        try:
            await hold.released.wait()
        finally:
            self.held.remove(request)

    def release(self, match=None):
        """Lets go who is held: by the holds with this very match, or by all."""
        for hold in [hold for hold in self.holds if match in (None, hold.match)]:
            hold.released.set()
            self.holds.remove(hold)
