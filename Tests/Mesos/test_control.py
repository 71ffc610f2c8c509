"""Tests of the control interface. Run by test_standin.py."""

import json
import signal
import socket
import time

from harness import StandInTest, target, unescaped


class ControlTests(StandInTest):
    def test_requests_and_polls_are_counted(self):
        path = self.write("stdout", b"12345")
        self.read(path, "X-Mine: yes", offset=0)
        self.read(path)
        self.files("browse", self.run_directory)
        stats = self.stats()
        file = stats["files"][str(path)]
        self.assertEqual((file["reads"], file["probes"], file["bytes"]), (1, 1, 5))
        self.assertEqual([poll[1:] for poll in file["polls"]], [[0, 5], [-1, 0]])
        self.assertEqual(stats["endpoints"]["agent /files/read"], {"requests": 2, "in_flight_max": 1, "statuses": {"200": 2}})
        self.assertEqual(stats["subjects"][str(path)]["requests"], {"agent /files/read": 2})
        self.assertEqual((stats["requests_total"], len(stats["requests"])), (3, 3))
        first = stats["requests"][0]
        self.assertEqual((first["method"], first["target"], first["status"]), ("GET", target("read", path, offset=0), 200))
        self.assertIn(["X-Mine", "yes"], first["headers"])
        self.control("/reset?only=stats")
        self.assertEqual(self.stats()["requests_total"], 0)

    def test_requests_are_held_until_they_are_resumed(self):
        path = self.write("stdout", b"old")
        for stage, expected in (("before", b"new"), ("after", b"old")):
            path.write_bytes(b"old")
            self.control("/pause", match="stdout", stage=stage)
            held = [self.client(), self.client()]
            for client in held:
                client.send(target("read", path, offset=0))
            self.wait(lambda: self.stats()["held"] == 2)
            self.assertTrue(held[0].is_silent())
            self.assertEqual(self.ask("/state").status, 200)
            path.write_bytes(b"new")
            self.assertEqual(self.control("/resume"), {"held": 2})
            self.assertEqual([unescaped(client.receive().body) for client in held], [expected] * 2)
        stats = self.stats()
        self.assertEqual((stats["held"], stats["in_flight"]["agent"], stats["in_flight_max"]["agent"]), (0, 0, 3))
        self.assertEqual(self.read(path, offset=0).status, 200)

    def test_a_client_that_leaves_is_not_in_flight(self):
        self.control("/pause", times=1)
        client = self.client()
        client.send("/state")
        self.wait(lambda: self.stats()["held"] == 1)
        client.close()
        self.wait(lambda: self.stats()["in_flight"]["agent"] == 0)
        self.control("/resume")
        self.assertEqual(self.ask("/state").status, 200)

    def test_requests_fail_as_often_as_was_set(self):
        path = self.write("stdout", b"x" * 100)
        self.set(fail=[{"match": "/files/read", "status": 500, "times": 2}])
        self.assertEqual([self.read(path).status for _ in range(3)], [500, 500, 200])
        self.set(fail=[{"match": "/files", "server": "master0", "status": "close"}])
        self.assertEqual(self.read(path).status, 200)
        self.set(fail=[{"match": "/files", "status": "close"}])
        self.assertIsNone(self.read(path))
        self.set(fail=[{"match": "/files", "status": "garbage-body"}])
        with self.assertRaises(ValueError):
            self.read(path).json
        self.set(fail=[{"match": "/files", "status": "garbage"}])
        client = self.client()
        client.send(target("read", path))
        self.assertNotIn(b"HTTP", client.file.read())
        for endpoint in ("read", "download"):
            self.set(fail=[{"match": "/files", "status": "cut"}])
            reply = self.files(endpoint, path, offset=0)
            self.assertTrue(40 < len(reply.body) < int(reply.headers["content-length"]), endpoint)
        self.set(fail=[{"match": "/files", "status": "hang"}])
        client = self.client()
        client.send(target("read", path))
        self.assertTrue(client.is_silent())
        self.set(heal=True, fail=[])
        self.assertIsNone(client.receive())
        self.assertEqual(self.read(path).status, 200)

    def test_reads_take_the_time_that_was_set_one_after_the_other(self):
        path = self.write("stdout", b"x" * 2048)
        self.set(pace=[20_000, 15_000])
        begun = time.monotonic()
        clients = [self.client(), self.client()]
        for client in clients:
            client.send(target("read", path, offset=0))
        self.assertEqual([len(unescaped(client.receive().body)) for client in clients], [2048] * 2)
        self.assertGreaterEqual(time.monotonic() - begun, 2 * 0.05)
        for pace in ([1], ["1", "2"], 3):
            self.assertEqual(self.ask("/set", port=self.ports["control"], method="POST",
                                      body=json.dumps({"pace": pace}).encode()).status, 400)

    def test_answers_are_delayed_by_endpoint(self):
        path = self.write("stdout", b"x")
        self.set(delay_ms={"/files/read": 200})
        start = time.monotonic()
        clients = [self.client() for _ in range(5)]
        for client in clients:
            client.send(target("read", path))
        self.assertEqual(self.files("browse", path).status, 200)
        self.assertLess(time.monotonic() - start, 0.19)
        self.assertEqual([client.receive().status for client in clients], [200] * 5)
        self.assertGreater(time.monotonic() - start, 0.2)
        self.assertEqual(self.stats()["endpoints"]["agent /files/read"]["in_flight_max"], 5)

    def test_a_server_that_is_down_refuses_connections(self):
        client = self.client()
        self.set(down=True)
        self.assertIsNone(client.receive())
        with self.assertRaises(ConnectionRefusedError):
            self.client()
        self.set(down=["master0"])
        self.assertEqual(self.ask("/state").status, 200)
        with self.assertRaises(ConnectionRefusedError):
            self.master("/state")
        self.set(down=False)
        self.assertEqual(self.master("/state").status, 200)

    def test_what_does_not_fit_is_refused_and_changes_nothing(self):
        path = self.write("stdout", b"12345")
        for body in (b"{", b"[]", b'{"cpa":1}', b'{"cap":3,"escape":"2"}', b'{"cap":0}', b'{"cap":3,"fail":[{"match":"("}]}',
                     b'{"cap":3,"fail":[{"status":"melt"}]}', b'{"cap":3,"tasks":[{}]}', b'{"cap":3,"delay_ms":{"*":"1"}}', b'{"cap":3,"leader":1}'):
            reply = self.ask("/set", port=self.ports["control"], method="POST", body=body)
            self.assertEqual(reply.status, 400, body)
        self.assertEqual(unescaped(self.read(path, offset=0).body), b"12345")
        self.assertEqual(self.master("/tasks").status, 200)

    def test_a_reset_gives_the_start_again(self):
        path = self.write("stdout", b"12345")
        self.set(cap=1, down=True, tasks=[{"id": "t"}], fail=[{"match": "", "status": 500}], delay_ms=5)
        self.control("/pause", match="")
        self.control("/reset")
        self.assertEqual(unescaped(self.read(path, offset=0).body), b"12345")
        self.assertEqual(self.master("/tasks").json, {"tasks": []})

    def test_it_ends_by_signal_and_with_its_parent(self):
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.process.wait(5), 0)
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", self.ports["agent"]))

    def test_it_ends_with_its_standard_input(self):
        self.process.stdin.close()
        self.assertEqual(self.process.wait(5), 0)
