"""The tasks, frameworks and agents that a test has set, as masters and agent tell of them."""

import json
import os
import time

from access import visible

RUNNING, ENDED, LOST = "tasks", "completed_tasks", "unreachable_tasks"


def ancestry(value):
    """Gives a container id from the ids of its ancestors, the outermost first."""
    *outer, own = [value] if isinstance(value, str) else value
    return {"value": own, "parent": ancestry(outer)} if outer else {"value": own}


def outermost(container_id):
    while "parent" in container_id:
        container_id = container_id["parent"]
    return container_id["value"]


class Cluster:
    """Answers to questions about tasks. A task is given by `id`, and by any other field that is not as usual.

    Fields beside Mesos's own: `container`, an id or a list of ids from the outermost on, and `timestamp`, which together make its
    status. Without `container` and `statuses` there is none yet.
    """

    def __init__(self, settings, sandboxes):
        self.settings, self.sandboxes = settings, sandboxes
        self.agent_port = 0
        self.load()

    def load(self):
        """Takes over what is set."""
        self.loaded_for = self.agent_id
        self.documents = {}
        self.tasks = {kind: [self._task(task, kind) for task in given] for kind, given in (
            (RUNNING, self.settings.tasks), (ENDED, self.settings.completed), (LOST, self.settings.unreachable))}
        self.by_id = {}
        for task in (task for tasks in self.tasks.values() for task in tasks):
            self.by_id.setdefault(task["id"], []).append(task)  # M45
        self.frameworks = {framework["id"]: framework for framework in self.settings.frameworks}
        for task in (task for tasks in self.by_id.values() for task in tasks):
            self.frameworks.setdefault(task["framework_id"], {"id": task["framework_id"]})

    @property
    def agent_id(self):
        return self.settings.agent_id or next(map(os.fsdecode, self.sandboxes.agents()), "S0")

    def _task(self, given, kind):
        """M43: fills in what a test need not say."""
        usual = {RUNNING: "TASK_RUNNING", ENDED: "TASK_FINISHED", LOST: "TASK_UNREACHABLE"}[kind]
        task = {"name": given["id"], "framework_id": "F0", "executor_id": "", "slave_id": self.agent_id, "state": usual}
        task |= {name: value for name, value in given.items() if name not in ("container", "timestamp")}
        if "statuses" not in task:
            task["statuses"] = []  # M44
            if "container" in given:
                container_id = ancestry(given["container"])
                task["statuses"].append({"state": task["state"], "timestamp": given.get("timestamp", time.time()),
                                         "container_status": {"container_id": container_id}})
        return task

    def slaves(self):
        given = self.settings.slaves
        own = {"id": self.agent_id}
        # M46: the address is in the pid; the name need not resolve
        usual = {"hostname": "agent.invalid", "pid": f"slave(1)@127.0.0.1:{self.agent_port}", "active": True}
        return [usual | slave for slave in ([own] if given is None else given)]

    def document(self, kind, *key):
        """Gives an answer as JSON. It is made once: a big cluster's state takes long."""
        if self.loaded_for != self.agent_id:
            self.load()  # the first sandbox has been made since
        make = getattr(self, kind)
        key = (kind, *key)
        if key not in self.documents:
            content = json.dumps(make(*key[1:]), ensure_ascii=False, separators=(",", ":"))
            if self.settings.escape == "1.6":
                content = content.replace("/", "\\/").replace("\x7f", "\\u007f")  # M13
            self.documents[key] = content.encode("utf-8", "surrogateescape")
        return self.documents[key]

    # Of masters

    def tasks_with(self, task_id, shown):
        """M41: an exact id; all tasks without one."""
        everyone = [task for tasks in self.by_id.values() for task in tasks]
        return {"tasks": visible(everyone if task_id is None else self.by_id.get(task_id, []), shown)}

    def slaves_with(self, slave_id):
        """M42"""
        return {"slaves": [slave for slave in self.slaves() if slave_id in (None, slave["id"])]}

    def master_state(self, shown):
        """M40"""
        state = {"id": "M0", "slaves": self.slaves(), "frameworks": [], "completed_frameworks": []}
        grouped = {kind: self._by(tasks, "framework_id", shown) for kind, tasks in self.tasks.items()}
        for name, framework in self.frameworks.items():
            tasks = {kind: grouped[kind].get(name, []) for kind in (RUNNING, LOST, ENDED)}
            kind = "completed_frameworks" if framework.get("completed") else "frameworks"
            state[kind].append({"name": name, "active": not framework.get("completed")} | tasks | framework)
        return state | self.settings.master_state

    @staticmethod
    def _by(tasks, field, shown):
        groups = {}
        for task in visible(tasks, shown):
            groups.setdefault(task[field], []).append(task)
        return groups

    # Of the agent

    def agent_state(self, shown):
        """M38"""
        work_dir = os.fsdecode(self.sandboxes.work_dir)
        state = {"id": self.agent_id, "flags": {"work_dir": work_dir}, "frameworks": [], "completed_frameworks": []}
        executors = self._executors(work_dir, shown)
        for name, framework in self.frameworks.items():
            own = list(executors.get(name, {}).values())
            if not own:
                continue
            ended = [executor for executor in own if framework.get("completed") or self._has_ended(executor)]
            kind = "completed_frameworks" if framework.get("completed") else "frameworks"
            state[kind].append({"name": name} | framework | {
                "executors": [executor for executor in own if executor not in ended], "completed_executors": ended})
        return state | self.settings.agent_state

    @staticmethod
    def _has_ended(executor):
        return not executor["tasks"] and not executor["queued_tasks"]

    def _executors(self, work_dir, shown):
        """Gives the executors of each framework by their runs."""
        found = {}
        for kind in (RUNNING, ENDED):
            for task in visible(self.tasks[kind], shown):
                if task["slave_id"] == self.agent_id:
                    executor = self._executor_of(task, work_dir)
                    executors = found.setdefault(task["framework_id"], {})
                    executor = executors.setdefault((executor["id"], executor["container"]), executor)
                    executor["queued_tasks" if not task["statuses"] and kind == RUNNING else kind].append(task)
        return found

    @staticmethod
    def _executor_of(task, work_dir):
        executor_id = task["executor_id"] or task["id"]  # M39
        container = next((outermost(status["container_status"]["container_id"]) for status in reversed(task["statuses"])
                          if "container_id" in status.get("container_status", {})), "")
        directory = (f"{work_dir}/slaves/{task['slave_id']}/frameworks/{task['framework_id']}/executors/{executor_id}"
                     f"/runs/{container}")  # M29, M30
        return {"id": executor_id, "container": container, "directory": directory,
                "tasks": [], "completed_tasks": [], "queued_tasks": []}
