"""HTTP/1.1 over asyncio: cuts requests out of the bytes that come, and writes answers whole or as they are read."""

import asyncio
import functools
import re
import socket
import sys
import time
import traceback
import urllib.parse
import zlib

HEAD_LIMIT = 65_536
BODY_LIMIT = 256 << 20  # a test may set the state of a big cluster
GZIP_FROM = 1024  # M4
REASONS = {
    200: b"OK", 307: b"Temporary Redirect", 400: b"Bad Request", 401: b"Unauthorized", 403: b"Forbidden",
    404: b"Not Found", 500: b"Internal Server Error", 503: b"Service Unavailable",
}
REQUEST_LINE = re.compile(rb"([A-Z]{1,20}) (/[^ ]*) HTTP/1\.([01])")
BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class HangUp(Exception):
    """The connection is closed without an answer."""


class Hang(Exception):
    """The connection stays, and no answer comes."""


@functools.lru_cache(maxsize=8192)
def unescape(text):
    """Decodes a part of a query; raises HangUp for a broken escape."""
    if BAD_ESCAPE.search(text):
        raise HangUp  # M3
    return urllib.parse.unquote_to_bytes(text.replace(b"+", b" "))  # M2


def parse_query(text):
    """Gives the parameters of a query. Of a name given twice the last counts (unobserved)."""
    query = {}
    for part in text.replace(b";", b"&").split(b"&"):  # M2
        if part:
            name, _, value = part.partition(b"=")
            query[unescape(name)] = unescape(value)
    return query


@functools.lru_cache(maxsize=256)
def allows_gzip(accept):
    """Whether an Accept-Encoding allows gzip."""
    for part in accept.lower().split(b","):
        coding, *parameters = (word.strip() for word in part.split(b";"))
        if coding == b"gzip":
            return not any(re.fullmatch(rb"q=0(\.0*)?", parameter) for parameter in parameters)
    return False


class Request:
    """A request as it came. `query` raises HangUp when it cannot be decoded."""

    __slots__ = ("method", "target", "path", "raw_query", "lines", "headers", "keep_alive", "body", "time", "status",
                 "server", "subject", "_query")

    def __init__(self, head, body):
        line, *self.lines = head.split(b"\r\n")
        match = REQUEST_LINE.fullmatch(line)
        if not match:
            raise HangUp
        self.method, self.target, minor = match.groups()
        self.path, _, self.raw_query = self.target.partition(b"?")
        self.headers = {}
        for line in self.lines:
            name, _, value = line.partition(b":")
            name, value = name.strip().lower(), value.strip()
            self.headers[name] = self.headers[name] + b", " + value if name in self.headers else value
        connection = self.headers.get(b"connection", b"").lower()
        self.keep_alive = b"close" not in connection if minor == b"1" else b"keep-alive" in connection  # M5
        self.body = body
        self.time = time.time()
        self.status = self.server = self.subject = self._query = None

    @property
    def query(self):
        if self._query is None:
            self._query = parse_query(self.raw_query)
        return self._query


class Answer:
    """What is sent. `stream` writes what follows the head instead of `body`; `length` is then its length."""

    __slots__ = ("status", "body", "kind", "headers", "stream", "length")

    def __init__(self, status=200, body=b"", kind=b"application/json", headers=b"", stream=None, length=None):
        self.status, self.body, self.kind, self.headers = status, body, kind, headers
        self.stream, self.length = stream, length

    def encoded(self, request):
        """Gives the bytes to send. A HEAD gets them all, too (M1)."""
        body, headers = self.body, self.headers
        if len(body) >= GZIP_FROM and allows_gzip(request.headers.get(b"accept-encoding", b"")):  # M4
            packer = zlib.compressobj(1, zlib.DEFLATED, 31)
            body = packer.compress(body) + packer.flush()
            headers += b"Content-Encoding: gzip\r\n"
        if body or self.stream:
            headers += b"Content-Type: %s\r\n" % self.kind
        length = len(body) if self.length is None else self.length
        reason = REASONS.get(self.status, b"Status")
        return b"HTTP/1.1 %d %s\r\n%sContent-Length: %d\r\n\r\n%s" % (self.status, reason, headers, length, body)


def text(status, message):
    """An answer with a line of text."""
    return Answer(status, message + b"\n", b"text/plain; charset=utf-8")


class Connection(asyncio.Protocol):
    """A client. Its requests are answered one after the other."""

    def __init__(self, server):
        self.server = server
        self.buffer = b""
        self.request = None  # the one that waits for its answer
        self.advancing = False
        self.writable = asyncio.Event()
        self.writable.set()

    def connection_made(self, transport):
        self.transport = transport
        self.server.connections.add(self)
        self.server.accepted += 1

    def connection_lost(self, _):
        self.server.connections.discard(self)
        self.writable.set()
        if self.request:
            self.server.abandoned(self.request)
            self.request = None

    def pause_writing(self):
        self.writable.clear()

    def resume_writing(self):
        self.writable.set()

    def data_received(self, data):
        self.buffer = self.buffer + data if self.buffer else data
        self.advance()

    def advance(self):
        """Answers what has come; an answer that needs time calls this again when it is sent."""
        if self.advancing:
            return
        self.advancing = True
        try:
            while self.buffer and not self.request and not self.closed:
                self.request = self.next_request()
                if not self.request:
                    break
                self.server.begin(self.request, self)
        except HangUp:
            self.server.misunderstood()
            self.transport.close()
        finally:
            self.advancing = False

    @property
    def closed(self):
        return self.transport.is_closing()

    def next_request(self):
        """Cuts the first request off the buffer, when all of it is there."""
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0 and len(self.buffer) <= HEAD_LIMIT:
            return None
        if not 0 < end <= HEAD_LIMIT:
            raise HangUp
        request = Request(self.buffer[:end], b"")
        length = request.headers.get(b"content-length", b"0")
        if not length.isdigit() or len(length) > 10 or int(length) > BODY_LIMIT or b"transfer-encoding" in request.headers:
            raise HangUp
        whole = end + 4 + int(length)
        if len(self.buffer) < whole:
            return None
        request.body = self.buffer[end + 4:whole]
        self.buffer = self.buffer[whole:]
        return request

    def send(self, answer):
        """Writes an answer that is complete."""
        self.transport.write(answer.encoded(self.request))
        self.sent()

    def sent(self):
        """Ends the exchange: the next request, or the end of the connection."""
        keep_alive = self.request.keep_alive
        self.request = None
        if keep_alive:
            self.advance()
        else:
            self.transport.close()


class Server:
    """A port that can be closed and opened again. Subclasses give the answers in `respond`."""

    def __init__(self, name, port):
        self.name = name
        self.connections = set()
        self.accepted = 0
        self.listener = None
        self.tasks = set()
        # Never listens: it keeps the port ours while the server is down, and connections to it are refused.
        self.placeholder = self._bound(port)
        self.port = self.placeholder.getsockname()[1]

    @staticmethod
    def _bound(port):
        # The protocol is named because asyncio turns Nagle's algorithm off only where it is.
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", port))
        return sock

    async def open(self):
        if not self.listener:
            loop = asyncio.get_running_loop()
            self.listener = await loop.create_server(lambda: Connection(self), sock=self._bound(self.port), backlog=4096)

    def close(self):
        """Refuses connections from now on and cuts those that are there."""
        if self.listener:
            self.listener.close()
            self.listener = None
        for connection in list(self.connections):
            connection.transport.abort()

    def begin(self, request, connection):
        """Takes a request and answers it, now or later."""
        raise NotImplementedError

    def abandoned(self, request):
        """The client has gone before its answer."""

    def misunderstood(self):
        """A client has sent what is no request, or too long."""

    def spawn(self, work):
        """Runs a coroutine; a fault in it is reported and ends nothing."""
        task = asyncio.ensure_future(self._guarded(work))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    @staticmethod
    async def _guarded(work):
        try:
            await work
        except Exception:
            traceback.print_exc(file=sys.stderr)
