"""Prints the rows of gpu_check.sh as a table."""
import json
import sys

rows = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
width = max((len(r["name"]) for r in rows), default=0)
print("\n== table")
for r in rows:
    print(f"{r['part']:8} {r['status']:8} {r['name']:{width}}  {r['text']}")
count = {s: sum(r["status"] == s for r in rows) for s in ("ok", "info", "failed", "not run")}
print(f"{count['ok']} ok, {count['info']} measured, {count['failed']} failed, {count['not run']} not run")
