"""Tests of what agent and masters tell of tasks, and to whom. Run by test_standin.py."""

import time

from harness import StandInTest


class TaskTests(StandInTest):
    options = ("--masters", "3")

    def setUp(self):
        super().setUp()
        self.set(
            tasks=[{"id": "web.1", "framework_id": "F1", "container": "c1"}, {"id": "new", "framework_id": "F1"},
                   {"id": "pod.a", "framework_id": "F1", "executor_id": "pod", "container": ["c9", "child"]}],
            completed=[{"id": "web.1", "framework_id": "F3", "container": "c7", "state": "TASK_RUNNING"},
                       {"id": "web.0", "framework_id": "F1", "container": "c0"}],
            unreachable=[{"id": "lost", "framework_id": "F1", "container": "c5", "slave_id": "S2"}],
            frameworks=[{"id": "F3", "completed": True}])

    def test_the_agent_tells_of_executors_and_their_directories(self):  # M38, M39, M30
        state = self.ask("/state").json
        self.assertEqual((state["id"], state["flags"]["work_dir"]), ("S1", str(self.root)))
        framework, = state["frameworks"]
        executors = {executor["id"]: executor for executor in framework["executors"]}
        self.assertEqual(sorted(executors), ["new", "pod", "web.1"])
        directory = self.root / "slaves/S1/frameworks/F1/executors/web.1/runs/c1"
        self.assertEqual((executors["web.1"]["directory"], executors["web.1"]["container"]), (str(directory), "c1"))
        self.assertEqual([task["executor_id"] for task in executors["web.1"]["tasks"]], [""])
        self.assertEqual(executors["pod"]["container"], "c9")
        self.assertEqual([task["id"] for task in executors["new"]["queued_tasks"]], ["new"])
        ended, = framework["completed_executors"]
        self.assertEqual((ended["id"], [task["id"] for task in ended["completed_tasks"]]), ("web.0", ["web.0"]))
        completed, = state["completed_frameworks"]
        self.assertEqual(completed["id"], "F3")

    def test_a_master_tells_of_all_tasks(self):  # M40, M45
        state = self.master("/state").json
        framework, = state["frameworks"]
        self.assertEqual([[task["id"] for task in framework[kind]] for kind in ("tasks", "unreachable_tasks", "completed_tasks")],
                         [["web.1", "new", "pod.a"], ["lost"], ["web.0"]])
        completed, = state["completed_frameworks"]
        self.assertEqual(completed["completed_tasks"][0]["state"], "TASK_RUNNING")

    def test_a_task_is_found_by_its_exact_id(self):  # M41, M43, M44, M45
        found = self.master("/tasks?task_id=web.1").json["tasks"]
        self.assertEqual([task["framework_id"] for task in found], ["F1", "F3"])
        self.assertEqual(found[0]["statuses"][0]["container_status"]["container_id"], {"value": "c1"})
        pod, = self.master("/tasks?task_id=pod%2ea").json["tasks"]
        container_id = {"value": "child", "parent": {"value": "c9"}}
        self.assertEqual(pod["statuses"][0]["container_status"]["container_id"], container_id)
        new, = self.master("/tasks?task_id=new").json["tasks"]
        self.assertEqual(new["statuses"], [])
        self.assertEqual(sorted(new), ["executor_id", "framework_id", "id", "name", "slave_id", "state", "statuses"])
        reply = self.master("/tasks?task_id=web")
        self.assertEqual((reply.status, reply.json), (200, {"tasks": []}))

    def test_an_agent_is_found_by_its_id(self):  # M42, M46
        slave, = self.master("/slaves?slave_id=S1").json["slaves"]
        self.assertEqual(slave["pid"], f"slave(1)@127.0.0.1:{self.ports['agent']}")
        reply = self.master("/slaves?slave_id=S")
        self.assertEqual((reply.status, reply.json["slaves"]), (200, []))

    def test_only_the_leader_answers(self):  # M47, M48
        first, _, third = (f"//127.0.0.1:{port}".encode() for port in self.ports["masters"])
        reply = self.master("/tasks?task_id=a%20b", index=2)
        self.assertEqual((reply.status, reply.headers["location"]), (307, first + b"/tasks?task_id=a%20b"))
        self.set(leader=2)
        self.assertEqual(self.master("/tasks?task_id=new", index=2).status, 200)
        self.assertEqual(self.master("/state").headers["location"], third + b"/state")
        self.set(redirect="elsewhere:1")
        self.assertEqual(self.master("/state").headers["location"], b"//elsewhere:1/state")
        self.set(leader=None)
        self.assertEqual([self.master("/state", index=index).status for index in range(3)], [503, 503, 503])

    def test_a_state_that_takes_long_keeps_a_master_busy(self):  # M40
        self.set(delay_ms={"/state": 300})
        slow = self.client(self.ports["master"])
        slow.send("/state")
        self.wait(lambda: self.stats()["in_flight"].get("master0"))
        start = time.monotonic()
        self.assertEqual(self.master("/slaves").status, 200)
        self.assertGreater(time.monotonic() - start, 0.1)
        self.assertEqual(slow.receive().status, 200)

    def test_the_name_of_the_agent_can_be_set(self):
        self.set(agent_id="S9")
        self.assertEqual(self.master("/slaves").json["slaves"][0]["id"], "S9")
        self.set(agent_id=None, master_state={"id": "mine"})
        self.assertEqual(self.master("/slaves").json["slaves"][0]["id"], "S1")
        self.assertEqual(self.master("/state").json["id"], "mine")


class AccessTests(StandInTest):
    options = ("--token-realm", "realm1")

    def test_an_unknown_token_is_401(self):  # M18, M50
        path = self.write("stdout", b"x")
        self.set(auth={"realm": "realm1", "tokens": {"t1": {}}})
        for header in ("Authorization: token=t2", "Authorization: Bearer t1", "Authorization: token t1", "X: y"):
            for reply in (self.read(path, header), self.ask("/state", header), self.master("/tasks?task_id=x", header)):
                self.assertEqual(reply.status, 401, header)
                self.assertIn(b'realm="realm1"', reply.headers["www-authenticate"])
        self.assertEqual(self.read(path, "Authorization: token=t1").status, 200)
        self.assertEqual(self.stats()["authorizations"][0]["value"], "token=t2")
        self.control("/reset")
        self.assertEqual(self.read(path, "Authorization: token=t1").status, 401)

    def test_rights_to_files_are_by_prefix(self):  # M17
        path = self.write("stdout", b"x")
        self.write("stdout2", b"x")
        short = "/frameworks/F1/executors/e1/runs/latest/stdout"
        self.set(auth={"tokens": {"no": {"deny": [str(path)]}, "only": {"allow": [str(path)]}, "none": {"allow": []}}})
        for token, name, status in (
                ("no", path, 403), ("no", short, 403), ("no", f"{path}2", 200), ("no", self.run_directory, 200),
                ("only", path, 200), ("only", f"{path}2", 403), ("none", path, 403)):
            for endpoint in ("read", "browse", "download"):
                reply = self.files(endpoint, name, f"Authorization: token={token}")
                if status == 403:
                    self.assertEqual((reply.status, reply.body), (403, b""), f"{token} {name}")
                else:
                    self.assertNotIn(reply.status, (401, 403), f"{token} {name}")

    def test_tasks_without_rights_are_left_out(self):  # M49
        self.set(tasks=[{"id": "a1", "container": "c"}, {"id": "b1", "container": "c"}],
                 auth={"tokens": {"t": {"tasks": ["^a"]}, "all": {}}})
        header = "Authorization: token=t"
        reply = self.master("/tasks?task_id=b1", header)
        self.assertEqual((reply.status, reply.json), (200, {"tasks": []}))
        self.assertEqual(len(self.master("/tasks?task_id=b1", "Authorization: token=all").json["tasks"]), 1)
        self.assertEqual(len(self.master("/tasks?task_id=a1", header).json["tasks"]), 1)
        self.assertNotIn(b"b1", self.master("/state", header).body)
        self.assertNotIn(b"b1", self.ask("/state", header).body)
