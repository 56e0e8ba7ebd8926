#!/usr/bin/env python3
"""The tables of tests/kernels/run: how many claims, predictions and facts hold on each kernel, each
one that does not, and whether the model agrees. Arguments: LABEL:FILE, the output of `ipc-mastery
try --all --json`, and behind it that of `model verify --json` on the same kernel. Exit status 1 when
something differs that no lesson has a version for, or failed, or the model differs."""

import json
import sys

runs, models = [], []
for argument in sys.argv[1:]:
    label, path = argument.split(":", 1)
    with open(path, encoding="utf-8") as file:
        result = json.load(file)
    if "rows" in result:
        models.append((runs[-1][1]["kernel"], label, result))
    else:
        runs.append((label, result))

columns = ["holds", "as-told", "differs", "cannot-run", "failed", "reference"]
print("| kernel | who | kind | " + " | ".join(columns) + " |")
print("|---|---|---|" + "---|" * len(columns))
for label, run in runs:
    for kind in ["claims", "predictions", "facts"]:
        counts = run["summary"][kind]
        cells = [str(counts[column]) for column in columns]
        print(f"| {run['kernel']} | {label} | {kind} | " + " | ".join(cells) + " |")

print()
print("| kernel | who | lesson | what | standing | says |")
print("|---|---|---|---|---|---|")
wrong = False
for label, run in runs:
    lacking = {}
    for lesson in run["lessons"]:
        for finding in lesson["findings"]:
            standing = finding["standing"]
            if standing in ("holds", "reference"):
                continue
            if standing == "cannot-run":
                lacking.setdefault((lesson["lesson"], finding["why"]), []).append(finding["id"])
                continue
            wrong |= standing != "as-told"
            says = finding["why"] or finding["says"]
            print(
                f"| {run['kernel']} | {label} | {lesson['lesson']} | {finding['kind']} "
                f"{finding['id']} | {standing} | {says} |"
            )
    for (lesson, why), ids in lacking.items():
        print(f"| {run['kernel']} | {label} | {lesson} | {len(ids)} | cannot-run | {why} |")

print()
print("| kernel | who | rows played | rows that differ | calls, one process | calls, several | model |")
print("|---|---|---|---|---|---|---|")
for kernel, label, model in models:
    rows, chance = model["rows"], model["chance"] or {}
    several = chance.get("several") or {"calls": "–"}
    differ = ", ".join(row["row"] for row in rows["differ"]) or "none"
    difference = chance.get("difference")
    wrong |= not chance or difference is not None
    calls = chance["one"]["calls"] if chance else 0
    standing = "another system" if not chance else "differs" if difference else "agrees"
    print(f"| {kernel} | {label} | {len(rows['played'])} | {differ} | {calls} | {several['calls']} | {standing} |")
    if difference:
        print("\n".join([*difference["calls"], f"model {difference['model']}", f"Linux {difference['linux']}"]))
sys.exit(wrong)
