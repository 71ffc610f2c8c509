"""The files service of an agent: reads, lists and downloads what is in the sandboxes on disk."""

import errno
import grp
import os
import pwd
import random
import re
import stat
import time

from wire import Answer, Hang, text

PIECE = 65_536
LARGEST = (1 << 63) - 1
SAFE = bytes(byte for byte in range(256) if byte >= 0x20 and byte not in b'"\\/\x7f')
SHORT = {0x08: b"\\b", 0x09: b"\\t", 0x0A: b"\\n", 0x0C: b"\\f", 0x0D: b"\\r", 0x22: b'\\"', 0x5C: b"\\\\"}
CONTROLS = [*range(0x20), 0x22, 0x5C]
ESCAPES = {
    "new": {byte: SHORT.get(byte, b"\\u%04X" % byte) for byte in CONTROLS},  # M12
    "1.6": {byte: SHORT.get(byte, b"\\u%04x" % byte) for byte in CONTROLS} | {0x2F: b"\\/", 0x7F: b"\\u007f"},  # M13
}
TYPES = {  # M25: by extension; what is not here, as stdout and .log, is octets
    b".txt": b"text/plain", b".html": b"text/html", b".css": b"text/css", b".js": b"application/javascript",
    b".json": b"application/json", b".xml": b"text/xml", b".png": b"image/png", b".zip": b"application/zip",
}


def escape(data, mode):
    """Gives the inside of a JSON string. Bytes from 0x80 on stay as they are, valid or not (M11)."""
    table = ESCAPES[mode]
    special = set(data.translate(None, SAFE))
    if 0x5C in special:  # first: the other replacements bring new ones
        special.discard(0x5C)
        data = data.replace(b"\\", b"\\\\")
    for byte in special:
        if byte in table:
            data = data.replace(b"%c" % byte, table[byte])
    return data


class Sandboxes:
    """Which directories below the agent's work directory are sandboxes that its API shows.

    They are there as long as they are on disk (M34), and change as a test changes them (M37).
    """

    def __init__(self, root):
        self.work_dir = os.path.abspath(os.fsencode(root))  # what the agent calls it, which may be a link
        self.root = os.path.realpath(self.work_dir)
        part = rb"(?!\.\.?/|\.\.?$)[^/]+"  # M33
        run = rb"/slaves/%s/frameworks/%s/executors/%s/runs/(?!latest(?:/|$))%s" % ((part,) * 4)
        self.by_disk_path = re.compile(rb"%s(%s)(/.*)?" % (re.escape(self.work_dir), run), re.DOTALL)  # M29
        latest = rb"(/frameworks/%s/executors/%s/runs)/latest" % ((part,) * 2)
        self.by_short_path = re.compile(latest + rb"(/.*)?", re.DOTALL)  # M31
        self.gone = set()

    def find(self, path):
        """Gives the sandbox that a path is in, and the path on disk; None when it is in none."""
        match = self.by_disk_path.fullmatch(path)
        if match:
            sandbox, rest = self.root + match.group(1), match.group(2) or b""
        elif match := self.by_short_path.fullmatch(path):
            sandbox, rest = self.latest_of(match.group(1)), match.group(2) or b""
        else:
            return None
        if sandbox is None or sandbox in self.gone:
            return None
        return sandbox, sandbox + rest

    def latest_of(self, runs):
        """Gives the latest run of an executor: what a link `latest` beside it names, else the youngest directory."""
        found = []
        for agent in self.agents():
            directory = b"%s/slaves/%s%s" % (self.root, agent, runs)
            if os.path.islink(directory + b"/latest"):
                return b"%s/%s" % (directory, os.path.basename(os.readlink(directory + b"/latest")))
            found += [b"%s/%s" % (directory, name) for name in self._names(directory) if name != b"latest"]
        return max(found, key=lambda run: (os.stat(run).st_mtime_ns, run), default=None)

    def agents(self):
        return self._names(self.root + b"/slaves")

    def restart(self, forgotten_frameworks):
        """Forgets older runs, and frameworks without checkpoints (M35)."""
        for agent in self.agents():
            frameworks = b"%s/slaves/%s/frameworks" % (self.root, agent)
            for framework in self._names(frameworks):
                executors = b"%s/%s/executors" % (frameworks, framework)
                for executor in self._names(executors):
                    runs = b"/frameworks/%s/executors/%s/runs" % (framework, executor)
                    latest = None if framework in forgotten_frameworks else self.latest_of(runs)
                    directory = b"%s/slaves/%s%s" % (self.root, agent, runs)
                    every = {b"%s/%s" % (directory, name) for name in self._names(directory)}
                    self.gone |= every - {latest}

    @staticmethod
    def _names(directory):
        try:
            return sorted(os.listdir(directory))
        except OSError:
            return []


class Files:
    """Answers `/files/read`, `/files/browse` and `/files/download`."""

    def __init__(self, sandboxes, settings, stats, may_read):
        self.sandboxes, self.settings, self.stats, self.may_read = sandboxes, settings, stats, may_read
        self.random = random.Random(0)
        self.hanging = False
        self.endpoints = {b"/files/read": self.read, b"/files/browse": self.browse, b"/files/download": self.download}

    def respond(self, request):
        if self.hanging:
            raise Hang  # M19
        answer = self.endpoints[request.path](request)
        if answer.status == 200 and b"jsonp" in request.query and answer.kind == b"application/json":  # M6
            self.stats.count("jsonp")
            answer.body = b"%s(%s);" % (request.query[b"jsonp"], answer.body)
            answer.kind = b"text/javascript"
        return answer

    def opened(self, request, flags):
        """Opens what a request names: a descriptor and its status; or the answer that says why not, and None."""
        path = request.query.get(b"path")
        if not path:
            return text(400, b"No path is given."), None  # unobserved
        place = self.sandboxes.find(path[:-1] if path.endswith(b"/") else path)
        if not place:
            return Answer(404), None  # M14
        sandbox, disk_path = place
        if not self.may_read(request, path, disk_path):
            return Answer(403), None  # M17
        try:
            descriptor = os.open(disk_path, flags | os.O_NONBLOCK | os.O_CLOEXEC)
        except (OSError, ValueError) as error:
            if getattr(error, "errno", None) in (errno.EACCES, errno.EPERM, errno.ENXIO):
                return text(500, b"The file cannot be opened."), None  # unobserved
            return Answer(404), None  # M14
        real_path = os.readlink(b"/proc/self/fd/%d" % descriptor)  # within the sandbox links are followed (M32)
        if real_path != sandbox and not real_path.startswith(sandbox + b"/"):
            os.close(descriptor)
            return text(400, b"'%s' is inaccessible." % disk_path), None  # M16
        return descriptor, os.fstat(descriptor)

    def opened_file(self, request):
        """Like `opened`, for a file with contents."""
        descriptor, status = self.opened(request, os.O_RDONLY)
        if status is None or stat.S_ISREG(status.st_mode):
            return descriptor, status
        os.close(descriptor)
        if stat.S_ISFIFO(status.st_mode):
            self.stats.hazard("fifo")
            self.hanging = True
            raise Hang  # M19
        return text(400, b"This is a directory."), None  # M15

    def read(self, request):
        numbers = [self._number(request, name) for name in (b"offset", b"length")]
        if None in numbers:
            return text(400, b"Not a number that counts bytes.")  # unobserved
        offset, length = numbers
        begun = time.perf_counter_ns()
        descriptor, status = self.opened_file(request)
        if status is None:
            return descriptor
        try:
            data, echo = b"", offset  # M7, M10
            if offset == -1:
                echo = status.st_size  # M8
            elif offset < status.st_size:
                cap = self.settings.cap
                if self.settings.cap_random:
                    cap = self.random.randint(1, cap)
                data = os.pread(descriptor, cap if length == -1 else min(length, cap), offset)  # M9
        finally:
            os.close(descriptor)
        self.stats.polled(request, offset, len(data))
        answer = Answer(200, b'{"data":"%s","offset":%d}' % (escape(data, self.settings.escape), echo))  # M7
        self._take_time(begun, len(data))
        return answer

    def _take_time(self, begun, length):
        """Works on a read as long as the pace says: a processor is busy with it, and other requests wait (M51)."""
        each, per_kib = self.settings.pace
        end = begun + (each + per_kib * length / 1024) * 1000
        while time.perf_counter_ns() < end:
            pass

    @staticmethod
    def _number(request, name):
        """A parameter from -1 on, which is also what a missing one is; None for anything else."""
        value = request.query.get(name, b"-1")
        if value == b"-1":
            return -1
        return int(value) if re.fullmatch(rb"[0-9]{1,19}", value) and int(value) <= LARGEST else None

    def browse(self, request):
        descriptor, status = self.opened(request, os.O_PATH)
        if status is None:
            return descriptor
        try:
            names = self._listed(descriptor, status)
        finally:
            os.close(descriptor)
        path = request.query[b"path"].rstrip(b"/")
        mode = self.settings.escape
        return Answer(200, b"[%s]" % b",".join(self._entry(path + b"/" + name, each, mode) for name, each in names))  # M20

    @staticmethod
    def _listed(descriptor, status):
        """Gives names and what they lead to, sorted."""
        if not stat.S_ISDIR(status.st_mode):
            return []  # M23
        directory = b"/proc/self/fd/%d" % descriptor
        entries = []
        for name in sorted(os.listdir(directory)):  # M20
            try:
                entries.append((name, os.stat(directory + b"/" + name)))  # M22
            except OSError:
                pass  # gone, or a link to nothing (unobserved)
        return entries

    @staticmethod
    def _entry(path, status, mode):
        return b'{"gid":"%s","mode":"%s","mtime":%d.0,"nlink":%d,"path":"%s","size":%d,"uid":"%s"}' % (  # M20, M21
            _named(grp.getgrgid, status.st_gid), stat.filemode(status.st_mode).encode(), status[stat.ST_MTIME],
            status.st_nlink, escape(path, mode), status.st_size, _named(pwd.getpwuid, status.st_uid))

    def download(self, request):
        descriptor, status = self.opened_file(request)
        if status is None:
            return descriptor
        name = os.path.basename(os.readlink(b"/proc/self/fd/%d" % descriptor))
        size = status.st_size
        if not size:
            self.stats.hazard("empty_download")  # M28

        async def stream(connection, limit=size):
            try:
                await self._copy(descriptor, limit, connection)
            finally:
                os.close(descriptor)

        kind = TYPES.get(os.path.splitext(name)[1].lower(), b"application/octet-stream")  # M25
        # M24; and a Range is not looked at (M26)
        return Answer(200, b"", kind, b"Content-Disposition: attachment; filename=%s\r\n" % name, stream, size)

    async def _copy(self, descriptor, size, connection):
        offset = 0
        while offset < size and not connection.closed:
            data = os.pread(descriptor, min(PIECE, size - offset), offset)
            if not data:
                self.stats.hazard("truncated_download")  # M27
                raise Hang
            connection.transport.write(data)
            offset += len(data)
            await connection.writable.wait()


def _named(lookup, number):
    try:
        return lookup(number)[0].encode()
    except KeyError:
        return b"%d" % number
