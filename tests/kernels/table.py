#!/usr/bin/env python3
"""The table of tests/kernels/run: how many claims, predictions and facts hold on each kernel, and
each one that does not. Arguments: LABEL:FILE, the output of `ipc-mastery try --all --json`.
Exit status 1 when something differs that no lesson has a version for, or failed."""

import json
import sys

runs = []
for argument in sys.argv[1:]:
    label, path = argument.split(":", 1)
    with open(path, encoding="utf-8") as file:
        runs.append((label, json.load(file)))

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
sys.exit(wrong)
