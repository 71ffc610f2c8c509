#!/usr/bin/env python3
"""Tests that the stand-in follows docs/mesos-contract.md (`# M7` is its statement 7) and obeys its control interface."""

import gzip
import os
import time
import unittest

from harness import StandInTest, target, unescaped
from test_cluster import AccessTests, TaskTests  # noqa: F401, they are run here
from test_control import ControlTests  # noqa: F401

EVERY_BYTE = bytes(range(256))


class ReadTests(StandInTest):
    def test_the_offset_is_an_echo_and_the_data_what_is_there(self):  # M7
        path = self.write("stdout", b"one\ntwo\n")
        reply = self.read(path, offset=4, length=3)
        self.assertEqual((reply.status, reply.body), (200, b'{"data":"two","offset":4}'))
        self.assertEqual(reply.headers["content-type"], b"application/json")

    def test_a_probe_gives_the_size(self):  # M8
        path = self.write("stdout", b"one\ntwo\n")
        for parameters in ({"offset": -1}, {}, {"offset": -1, "length": 3}):
            self.assertEqual(self.read(path, **parameters).body, b'{"data":"","offset":8}')

    def test_a_read_is_capped_in_bytes_of_the_file(self):  # M9
        path = self.write("stdout", b"\n" * 70_000)
        self.assertEqual(len(unescaped(self.read(path, offset=0, length=70_000).body)), 65_536)
        self.assertEqual(len(unescaped(self.read(path, offset=0).body)), 65_536)
        self.assertEqual(len(unescaped(self.read(path, offset=65_536, length=70_000).body)), 4464)
        self.set(cap=10)
        self.assertEqual(len(unescaped(self.read(path, offset=0, length=70_000).body)), 10)

    def test_a_random_cap_follows_its_seed(self):
        path = self.write("stdout", b"x" * 1000)
        runs = []
        for seed in (7, 7, 8):
            self.set(cap=100, cap_random=True, seed=seed)
            runs.append([len(unescaped(self.read(path, offset=0, length=1000).body)) for _ in range(8)])
        self.assertEqual(runs[0], runs[1])
        self.assertNotEqual(runs[0], runs[2])
        self.assertTrue(all(1 <= length <= 100 for length in sum(runs, [])))

    def test_what_has_no_data_looks_the_same(self):  # M10
        path = self.write("stdout", b"12345678")
        for offset, length in ((8, 10), (9, 10), (5_000_000_000, 10), (2, 0)):
            reply = self.read(path, offset=offset, length=length)
            self.assertEqual((reply.status, reply.body), (200, b'{"data":"","offset":%d}' % offset))

    def test_every_byte_is_escaped_as_new_versions_do(self):  # M11, M12
        path = self.write("stdout", EVERY_BYTE + b"\\n\\\\\"/")
        body = self.read(path, offset=0, length=1000).body
        self.assertEqual(unescaped(body), EVERY_BYTE + b"\\n\\\\\"/")
        self.assertIn(b"\\u0000", body)
        self.assertIn(b"\\u001F !\\\"#", body)
        self.assertIn(b"./0", body)
        self.assertIn(b"~\x7f\x80\x81", body)
        self.assertIn(b'\\\\n\\\\\\\\\\"/"', body)

    def test_every_byte_is_escaped_as_old_versions_do(self):  # M13
        path = self.write("stdout", EVERY_BYTE)
        self.set(escape="1.6")
        body = self.read(path, offset=0, length=1000).body
        self.assertEqual(unescaped(body), EVERY_BYTE)
        self.assertIn(b".\\/0", body)
        self.assertIn(b"~\\u007f\x80", body)

    def test_jsonp_is_honoured(self):  # M6
        path = self.write("stdout", b"x")
        self.assertEqual(self.read(path, offset=0, jsonp="f").body, b'f({"data":"x","offset":0});')
        self.assertEqual(self.stats()["jsonp"], 1)


class RequestTests(StandInTest):
    def test_a_head_gets_a_body(self):  # M1
        path = self.write("stdout", b"x")
        reply = self.client().ask(target("read", path, offset=0), method="HEAD")
        self.assertEqual(reply.body, b'{"data":"x","offset":0}')
        self.assertEqual(self.stats()["head"], 1)

    def test_a_query_is_split_at_semicolons_and_plus_is_space(self):  # M2
        path = self.write("a b;c", b"text")
        reply = self.ask(f"/files/read?path={self.run_directory}/a+b%3Bc;offset=1;length=2")
        self.assertEqual(reply.body, b'{"data":"ex","offset":1}')
        self.assertEqual(self.ask(f"/files/read?path={path.parent}/a%20b;c&offset=0").status, 404)

    def test_a_broken_escape_closes_the_connection(self):  # M3
        for broken in ("%", "%4", "%zz"):
            self.assertIsNone(self.ask(f"/files/read?path={self.run_directory}/x{broken}&offset=0"))
            self.assertIsNone(self.master(f"/tasks?task_id={broken}"))
        self.assertEqual(self.stats()["broken_escape"], 6)

    def test_large_answers_are_packed_for_who_allows_it(self):  # M4
        path = self.write("stdout", b"x" * 2000)
        overhead = len(b'{"data":"","offset":0}')
        for length, accept, packed in ((1024 - overhead, "gzip", True), (1023 - overhead, "gzip", False),
                                       (2000, "gzip;q=0", False), (2000, "deflate, gzip;q=0.5", True), (2000, "identity", False)):
            reply = self.read(path, f"Accept-Encoding: {accept}", offset=0, length=length)
            self.assertEqual(reply.headers.get("content-encoding"), b"gzip" if packed else None, accept)
            body = gzip.decompress(reply.body) if packed else reply.body
            self.assertEqual(len(body), length + overhead)
        self.assertNotIn("content-encoding", self.files("download", path, "Accept-Encoding: gzip").headers)

    def test_a_connection_serves_many_requests_also_sent_at_once(self):  # M5
        path = self.write("stdout", b"12345")
        client = self.client()
        for offset in range(5):
            client.send(target("read", path, offset=offset, length=1), method="POST", body=b"ignored")
        self.assertEqual([unescaped(client.receive().body) for _ in range(5)], [b"1", b"2", b"3", b"4", b"5"])
        client.send(target("read", path), "Connection: close")
        self.assertEqual(client.receive().status, 200)
        self.assertIsNone(client.receive())

    def test_garbage_ends_a_connection_and_nothing_else(self):
        for garbage in (b"\x16\x03\x01\r\n\r\n", b"\r\n\r\n", b"GET\r\n\r\n", b"a" * 70_000,
                        b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"):
            client = self.client()
            client.socket.sendall(garbage)
            self.assertIsNone(client.receive())
        self.assertEqual(self.ask("/state").status, 200)
        self.assertEqual(self.stats()["garbage"], 5)


class ErrorTests(StandInTest):
    def test_what_is_missing_or_in_no_sandbox_is_404(self):  # M14
        outside = self.root / "meta"
        outside.write_bytes(b"x")
        for path in (self.run_directory / "missing", outside, "/etc/passwd", self.run_directory.parent / "other/stdout",
                     self.run_directory.parent, f"{self.run_directory.parent}/../runs/c1/x"):
            for endpoint in ("read", "browse", "download"):
                reply = self.files(endpoint, path)
                self.assertEqual((reply.status, reply.body), (404, b""), f"{endpoint} {path}")

    def test_a_directory_has_no_contents(self):  # M15
        for endpoint in ("read", "download"):
            reply = self.files(endpoint, self.run_directory)
            self.assertEqual(reply.status, 400)
            self.assertTrue(reply.body)

    def test_a_link_out_of_the_sandbox_is_refused_with_a_path(self):  # M16
        (self.run_directory / "link").symlink_to("/etc/passwd")
        (self.run_directory / "inside").symlink_to("stdout")
        self.write("stdout", b"x")
        reply = self.read("/frameworks/F1/executors/e1/runs/latest/link", offset=0)
        self.assertEqual((reply.status, reply.body), (400, b"'%s/link' is inaccessible.\n" % bytes(self.run_directory)))
        self.assertEqual(self.read(f"{self.run_directory}{'/..' * 20}/etc/passwd").status, 400)
        self.assertEqual(self.read(self.run_directory / "inside", offset=0).status, 200)

    def test_a_fifo_hangs_the_files_service_until_it_is_healed(self):  # M19
        path = self.write("stdout", b"x")
        os.mkfifo(self.run_directory / "pipe")
        hanging = [self.client(), self.client()]
        hanging[0].send(target("read", self.run_directory / "pipe", offset=0))
        self.wait(lambda: self.stats()["files_hang"])
        hanging[1].send(target("browse", self.run_directory))
        self.assertTrue(all(client.is_silent() for client in hanging))
        self.assertEqual(self.ask("/state").status, 200)
        self.assertEqual(self.stats()["hazards"]["fifo"], 1)
        self.set(heal=True)
        self.assertEqual([client.receive() for client in hanging], [None, None])
        self.assertEqual(self.read(path).status, 200)


class ListingTests(StandInTest):
    def test_a_listing_is_sorted_and_tells_of_targets(self):  # M20, M21, M22
        for name in ("b", "a", "B", "ü"):
            self.write(name, b"123")
        (self.run_directory / "link").symlink_to("a")
        (self.run_directory / "tasks").mkdir()
        os.utime(self.run_directory / "a", ns=(0, 1_795_343_196_999_999_999))
        reply = self.files("browse", self.run_directory)
        self.assertEqual([os.path.basename(entry["path"]) for entry in reply.json], ["B", "a", "b", "link", "tasks", "ü"])
        self.assertIn(b'"mtime":1795343196.0,', reply.body)
        _, entry, _, link, tasks, _ = reply.json
        self.assertEqual(sorted(entry), ["gid", "mode", "mtime", "nlink", "path", "size", "uid"])
        self.assertEqual((entry["mode"], entry["size"], entry["path"]), ("-rw-r--r--", 3, f"{self.run_directory}/a"))
        self.assertEqual((link["mode"], link["size"], tasks["mode"][0]), ("-rw-r--r--", 3, "d"))

    def test_the_short_path_is_kept_in_a_listing(self):  # M31
        self.write("stdout", b"x")
        reply = self.files("browse", "/frameworks/F1/executors/e1/runs/latest/")
        self.assertEqual([entry["path"] for entry in reply.json], ["/frameworks/F1/executors/e1/runs/latest/stdout"])

    def test_a_file_lists_as_nothing(self):  # M23
        reply = self.files("browse", self.write("stdout", b"x"))
        self.assertEqual((reply.status, reply.body), (200, b"[]"))


class DownloadTests(StandInTest):
    def test_a_download_is_raw_and_whole(self):  # M24, M26
        data = EVERY_BYTE * 4000
        path = self.write("my log", data)
        reply = self.files("download", path, "Range: bytes=5-9")
        self.assertEqual((reply.status, reply.body == data), (200, True))
        self.assertEqual(reply.headers["content-length"], b"1024000")
        self.assertEqual(reply.headers["content-disposition"], b"attachment; filename=my log")
        self.assertEqual(self.stats()["hazard"], 0)

    def test_the_type_follows_the_extension(self):  # M25
        octets = b"application/octet-stream"
        for name, kind in (("stdout", octets), ("a.log", octets), ("a.html", b"text/html")):
            self.assertEqual(self.files("download", self.write(name, b"x")).headers["content-type"], kind)

    def test_a_download_of_an_empty_file_is_a_hazard(self):  # M28
        self.assertEqual(self.files("download", self.write("stdout", b"")).body, b"")
        self.assertEqual(self.stats()["hazards"]["empty_download"], 1)

    def test_a_truncation_during_a_download_is_a_hazard(self):  # M27
        path = self.write("stdout", b"x" * 50_000_000)
        client = self.client()
        client.send(target("download", path))
        client.socket.recv(1)
        os.truncate(path, 100)
        size = 50_000_000
        while not client.is_silent(0.3):
            size -= len(client.socket.recv(1 << 20))
        self.assertGreater(size, 0)
        stats = self.stats()
        self.assertEqual((stats["hazard"], stats["hazards"]["truncated_download"]), (1, 1))


class SandboxTests(StandInTest):
    def test_the_short_path_leads_to_the_latest_run_only(self):  # M31
        self.write("stdout", b"old")
        older = time.time() - 100
        os.utime(self.run_directory, (older, older))
        new = self.make_run("F1", "e1", "c2")
        (new / "stdout").write_bytes(b"new")
        short = "/frameworks/F1/executors/e1/runs"
        self.assertEqual(unescaped(self.read(f"{short}/latest/stdout", offset=0).body), b"new")
        self.assertEqual(self.read(f"{short}/c2/stdout", offset=0).status, 404)
        (new.parent / "latest").symlink_to(self.run_directory)
        self.assertEqual(unescaped(self.read(f"{short}/latest/stdout", offset=0).body), b"old")

    def test_a_task_of_a_pod_is_a_link_in_the_run(self):  # M32
        inner = self.run_directory / "containers/child"
        inner.mkdir(parents=True)
        (inner / "stdout").write_bytes(b"pod")
        (self.run_directory / "tasks").mkdir()
        (self.run_directory / "tasks/t1").symlink_to(inner)
        self.assertEqual(unescaped(self.read(self.run_directory / "tasks/t1/stdout", offset=0).body), b"pod")

    def test_ids_may_hold_nearly_anything(self):  # M33
        path = self.make_run("F &;+", "e%41\"ü", "c 1") / "stdout"
        path.write_bytes(b"x")
        self.assertEqual(unescaped(self.read(path, offset=0).body), b"x")

    def test_a_restart_has_its_phases_and_forgets(self):  # M35, M36
        path = self.write("stdout", b"x")
        newer = self.make_run("F1", "e1", "c2") / "stdout"
        unsaved = self.make_run("F2", "e1", "c1") / "stdout"
        for each in (newer, unsaved):
            each.write_bytes(b"x")
        os.utime(path.parent, (1, 1))
        self.set(frameworks=[{"id": "F2", "checkpoint": False}])
        client = self.client()
        self.assertEqual(client.ask(target("read", unsaved)).status, 200)
        self.set(recovering={"refused_ms": 300, "missing_ms": 300, "unavailable_ms": 300})
        self.assertIsNone(client.receive())
        with self.assertRaises(ConnectionRefusedError):
            self.client()
        self.wait(lambda: self.stats()["phase"] == "missing")
        self.assertEqual((self.read(newer).status, self.ask("/state").status), (404, 503))
        self.wait(lambda: self.stats()["phase"] == "unavailable")
        self.assertEqual((self.read(newer).status, self.ask("/state").status), (200, 503))
        self.wait(lambda: self.stats()["phase"] == "up")
        self.assertEqual((self.read(newer).status, self.ask("/state").status), (200, 200))
        self.assertEqual((self.read(path).status, self.read(unsaved).status), (404, 404))

    def test_a_restart_can_be_cut_short(self):
        self.set(recovering={"refused_ms": 60_000})
        with self.assertRaises(ConnectionRefusedError):
            self.client()
        self.set(recovering=False)
        self.assertEqual(self.ask("/state").status, 200)


if __name__ == "__main__":
    unittest.main()
