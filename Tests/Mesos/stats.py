"""Counts what the stand-in was asked, for tests that assert on it."""

import collections
import hashlib
import time

REQUESTS_KEPT = 10_000
POLLS_KEPT = 10_000  # of each file


def readable(data):
    return data.decode("utf-8", "backslashreplace")


class Flight:
    """How many requests wait for their answers, and how many did at most."""

    __slots__ = ("now", "most")

    def __init__(self):
        self.now = self.most = 0

    def start(self):
        self.now += 1
        if self.now > self.most:
            self.most = self.now


class Polls:
    """The reads of one file: those with data wanted, and probes."""

    __slots__ = ("reads", "probes", "bytes", "times")

    def __init__(self):
        self.reads = self.probes = self.bytes = 0
        self.times = collections.deque(maxlen=POLLS_KEPT)


class Stats:
    def __init__(self):
        self.clear()

    def clear(self):
        """Begins anew. What is in flight now is not counted when it ends."""
        self.since = time.time()
        self.total = 0
        self.requests = collections.deque(maxlen=REQUESTS_KEPT)
        self.flights = collections.defaultdict(Flight)
        self.endpoints = collections.Counter()
        self.statuses = collections.defaultdict(collections.Counter)
        self.subjects = collections.defaultdict(collections.Counter)
        self.files = collections.defaultdict(Polls)
        self.hazards = collections.Counter(fifo=0, truncated_download=0, empty_download=0)
        self.counters = collections.Counter(jsonp=0, head=0, broken_escape=0, garbage=0, errors=0)
        self.authorizations = collections.Counter()

    def arrived(self, request):
        """Records a request; `subject` is the path of a file, else the whole target."""
        self.total += 1
        self.requests.append(request)
        endpoint = request.server + " " + readable(request.path)
        self.endpoints[endpoint] += 1
        self.subjects[request.subject][endpoint] += 1
        for key in (request.server, endpoint, request.subject):
            self.flights[key].start()
        if request.method == b"HEAD":
            self.counters["head"] += 1
        if b"authorization" in request.headers:
            self.authorizations[readable(request.headers[b"authorization"])] += 1

    def finished(self, request, status):
        """Ends what `arrived` began. The status is a number, or why there was no answer."""
        request.status = status
        if request.time < self.since:
            return
        endpoint = request.server + " " + readable(request.path)
        self.statuses[endpoint][status] += 1
        for key in (request.server, endpoint, request.subject):
            self.flights[key].now -= 1

    def polled(self, request, offset, length):
        """Records that a file was read at an offset (-1: its size was asked for), and how many bytes it gave."""
        polls = self.files[request.subject]
        if offset == -1:
            polls.probes += 1
        else:
            polls.reads += 1
            polls.bytes += length
        polls.times.append((request.time, offset, length))

    def hazard(self, name):
        self.hazards[name] += 1

    def count(self, name):
        self.counters[name] += 1

    def report(self, requests=REQUESTS_KEPT):
        """Gives everything as JSON. `requests` bounds the two long lists."""
        kept = list(self.requests)[-requests:] if requests else []
        return {
            "since": self.since,
            "requests_total": self.total,
            "endpoints": {
                name: {"requests": count, "in_flight_max": self.flights[name].most, "statuses": self.statuses[name]}
                for name, count in self.endpoints.items()
            },
            "in_flight": {name: self.flights[name].now for name in self._servers()},
            "in_flight_max": {name: self.flights[name].most for name in self._servers()},
            "subjects": {
                name: {"requests": counts, "in_flight_max": self.flights[name].most}
                for name, counts in self.subjects.items()
            },
            "files": {
                name: {"reads": polls.reads, "probes": polls.probes, "bytes": polls.bytes,
                       "polls": list(polls.times)[-requests:] if requests else []}
                for name, polls in self.files.items()
            },
            "hazard": sum(self.hazards.values()),
            "hazards": self.hazards,
            **self.counters,
            "authorizations": [
                {"value": value, "sha256": hashlib.sha256(value.encode()).hexdigest(), "count": count}
                for value, count in self.authorizations.items()
            ],
            "requests": [self._request(request) for request in kept],
        }

    def _servers(self):
        return sorted({endpoint.split(" ")[0] for endpoint in self.endpoints})

    @staticmethod
    def _request(request):
        headers = [[readable(part.strip()) for part in line.split(b":", 1)] for line in request.lines]
        return {"time": request.time, "server": request.server, "method": request.method.decode(),
                "target": readable(request.target), "headers": headers, "status": request.status}
