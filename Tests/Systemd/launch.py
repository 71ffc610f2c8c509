#!/usr/bin/env python3
"""Starts a program as systemd does: with sockets that are bound already, and a socket for what it has to say.

    launch.py [--pass NAME=unix:PATH | NAME=tcp:HOST:PORT | NAME=datagram:PATH]... [--names TEXT] [--pid NUMBER]
              [--notify PATH|@NAME --record FILE] [--watchdog MICROSECONDS] COMMAND...

The command keeps this process's number. What it says is a line for each message in the record: the sender's process, a
space, and the message with "|" for its line ends.
"""
import argparse
import fcntl
import os
import select
import socket
import struct
import sys


def bound(spec):
    kind, _, place = spec.partition(":")
    if kind == "tcp":
        host, _, port = place.rpartition(":")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host.strip("[]"), int(port)))
    else:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM if kind == "datagram" else socket.SOCK_STREAM)
        sock.bind(place)
    if kind != "datagram":
        sock.listen(16)
    return sock.detach()


def record(sock, path, parent):
    """Writes down what comes until the parent has gone."""
    credentials = struct.Struct("3i")
    with open(path, "w", buffering=1) as lines:
        while True:
            readable, _, _ = select.select([sock], [], [], 0.1)
            if readable:
                data, control, _, _ = sock.recvmsg(65536, socket.CMSG_SPACE(credentials.size))
                sender = credentials.unpack(control[0][2][:credentials.size])[0] if control else 0
                lines.write("%d %s\n" % (sender, data.decode().replace("\n", "|")))
            elif os.getppid() != parent:
                return


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--pass", dest="passed", action="append", default=[])
    parser.add_argument("--names")
    parser.add_argument("--pid")
    parser.add_argument("--notify")
    parser.add_argument("--record")
    parser.add_argument("--watchdog")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()

    environment = dict(os.environ)
    if options.notify:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        sock.bind("\0" + options.notify[1:] if options.notify.startswith("@") else options.notify)
        parent = os.getpid()
        if os.fork() == 0:
            # Whoever waits for the program's last word must not wait for this process.
            null = os.open(os.devnull, os.O_RDWR)
            for number in range(3):
                os.dup2(null, number)
            record(sock, options.record, parent)
            os._exit(0)
        sock.close()
        environment["NOTIFY_SOCKET"] = options.notify
    if options.watchdog:
        environment.update(WATCHDOG_USEC=options.watchdog, WATCHDOG_PID=str(os.getpid()))
    if options.passed:
        pairs = [text.partition("=") for text in options.passed]
        # Out of the way first, so that none is overwritten by another.
        high = []
        for _, _, spec in pairs:
            descriptor = bound(spec)
            high.append(fcntl.fcntl(descriptor, fcntl.F_DUPFD, 100))
            os.close(descriptor)
        for number, descriptor in enumerate(high, start=3):
            os.dup2(descriptor, number)
            os.close(descriptor)
        environment.update(
            LISTEN_PID=options.pid or str(os.getpid()), LISTEN_FDS=str(len(pairs)),
            LISTEN_FDNAMES=options.names or ":".join(name for name, _, _ in pairs))
    os.execvpe(options.command[0], options.command, environment)


if __name__ == "__main__":
    sys.exit(main())
