"""Runs a client's script many times in one process: worker.py SCRIPT.

Reads a line per run from standard input, the script's arguments as a JSON list, and writes a line per run to standard output:
{"Output": what the script printed, "Error": "" or why it failed}. Importing a client's packages takes seconds, so a process
per run would take most of the time of "make interop".
"""
import contextlib
import io
import json
import os
import runpy
import sys
import traceback

# Libraries in C++ print to file descriptor 1: that must not mix with the replies.
replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)


def run(script, arguments):
    printed = io.StringIO()
    sys.argv = [script] + arguments
    try:
        with contextlib.redirect_stdout(printed):
            runpy.run_path(script, run_name="__main__")
    except SystemExit as e:
        if e.code not in (None, 0):
            return {"Output": printed.getvalue(), "Error": f"exit code {e.code}: {printed.getvalue()}"}
    except BaseException:
        return {"Output": printed.getvalue(), "Error": traceback.format_exc()[-4000:]}
    return {"Output": printed.getvalue(), "Error": ""}


if __name__ == "__main__":
    script = sys.argv[1]
    sys.path.insert(0, os.path.dirname(os.path.abspath(script)))
    for line in sys.stdin:
        print(json.dumps(run(script, json.loads(line))), file=replies, flush=True)
