"""Checks what the host says of itself, with parsers that are not the host's own.

check.py metrics FILE             the text of /metrics, by the format's grammar, and by prometheus_client where it is installed
check.py names FILE CATALOG USER… every metric that a dashboard or a rule file uses is in the text, or in the host's catalog
check.py openapi FILE             the description: what it refers to is there; and by openapi_spec_validator where that is installed
"""

import json
import re
import sys

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
VALUE = r"(?:[+-]?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|Inf)|NaN)"
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? ({VALUE})")
KINDS = {"counter", "gauge", "histogram"}


def metrics(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert text.endswith("\n"), "the text must end with a line's end"
    kinds, series, family, helped = {}, {}, None, None
    for line in text[:-1].split("\n"):
        if line.startswith("# HELP "):
            helped = line.split(" ", 3)[2]
            assert len(line.split(" ", 3)[3]) > 3, f"no help: {line}"
        elif line.startswith("# TYPE "):
            _, _, family, kind = line.split(" ")
            assert family == helped, f"TYPE without HELP: {line}"
            assert family not in kinds, f"{family} twice"
            assert kind in KINDS, line
            assert (kind == "counter") == family.endswith("_total"), f"{family} is a {kind}"
            kinds[family] = kind
        else:
            match = SAMPLE.fullmatch(line)
            assert match, f"no sample: {line}"
            name, labels = match[1], match[2] or ""
            allowed = {family}
            if kinds[family] == "histogram":
                allowed = {f"{family}_bucket", f"{family}_sum", f"{family}_count"}
            assert name in allowed, f"{name} below {family}"
            assert (name, labels) not in series, f"{line} twice"
            series[name, labels] = float(match[3])
    for family, kind in kinds.items():
        if kind == "histogram":
            histogram(family, series)
    try:
        from prometheus_client.parser import text_string_to_metric_families
    except ImportError:
        return kinds
    assert len(list(text_string_to_metric_families(text))) == len(kinds)
    return kinds


def histogram(family, series):
    last = {}
    for (name, labels), value in series.items():
        if name != f"{family}_bucket":
            continue
        rest, bound = re.fullmatch(r'(?:(.*),)?le="([^"]*)"', labels).groups()
        before = last.get(rest or "", (float("-inf"), 0.0))
        assert float(bound) > before[0] and value >= before[1], f"{name}{{{labels}}} is out of order"
        last[rest or ""] = (float(bound), value)
    for labels, (bound, value) in last.items():
        assert bound == float("inf") and series[f"{family}_count", labels] == value, f"{family}{{{labels}}}"


def names(path, catalog, *users):
    kinds = metrics(path)
    with open(catalog, encoding="utf-8") as file:
        known = set(kinds) | set(re.findall(r'^\s+"([a-z_]+)": "', file.read(), re.M))
    missing = set(kinds) - known
    assert not missing, missing
    for user in users:
        with open(user, encoding="utf-8") as file:
            text = file.read()
        if user.endswith(".json"):
            json.loads(text)
        used = set(re.findall(r"\b(?:loghost|process)_[a-z_]+\b", text))
        assert len(used) > 3, f"{user} uses no metrics"
        for name in used:
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            assert name in known or base in known, f"{user} uses {name}, which does not exist"


def openapi(path):
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    assert document["openapi"].startswith("3.1.")
    names = set()
    for template, item in document["paths"].items():
        for operation in item.values():
            assert operation["operationId"] not in names, f"{operation['operationId']} twice"
            names.add(operation["operationId"])
            given = {each["name"] for each in operation.get("parameters", []) if each["in"] == "path"}
            assert given == set(re.findall(r"\{([^}]*)\}", template)), template
            for response in operation["responses"].values():
                while "$ref" in response:
                    place = document
                    for step in response["$ref"].removeprefix("#/").split("/"):
                        place = place[step]
                    response = place
                assert response["description"], template
    try:
        from openapi_spec_validator import validate
    except ImportError:
        return
    validate(document)


if __name__ == "__main__":
    {"metrics": metrics, "names": names, "openapi": openapi}[sys.argv[1]](*sys.argv[2:])
    print("ok")
