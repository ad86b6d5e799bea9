"""Writes environments.json: the variables that torchrun and mpirun set in the processes that they start.

Requirements: torch (torchrun), openmpi; versions are in the output. Run it as
    python make_environments.py > environments.json
Numbers that differ from run to run (ports, identifiers, folders) are as they were.
"""

import json
import os
import re
import subprocess
import sys
from importlib.metadata import version

PREFIXES = ("RANK", "WORLD_SIZE", "LOCAL_", "GROUP_", "ROLE_", "MASTER_", "TORCHELASTIC_", "OMP_", "OMPI_COMM_", "PMIX_NAMESPACE", "PMIX_RANK")
DUMP = [sys.executable, "-c", "import json, os; print('\\n' + json.dumps(dict(os.environ)), flush=True)"]
bin_dir = os.path.dirname(sys.executable)
clean = {"PATH": bin_dir + ":" + os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "TMPDIR": "/tmp"}

CASES = {
    "torchrun, 2 ranks": ["torchrun", "--no-python", "--nproc-per-node", "2"],
    "torchrun, standalone, 3 ranks": ["torchrun", "--no-python", "--standalone", "--nproc-per-node", "3"],
    "torchrun, static rendezvous, 1 rank": ["torchrun", "--no-python", "--master-addr", "127.0.0.1", "--master-port", "29511", "--nnodes", "1", "--node-rank", "0"],
    "mpirun, 2 ranks": ["mpirun", "--allow-run-as-root", "--oversubscribe", "-n", "2"],
}


def environments(command):
    output = subprocess.run(command + DUMP, env=clean, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout
    found = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    kept = [{k: v for k, v in sorted(e.items()) if k.startswith(PREFIXES)} for e in found]
    return sorted(kept, key=lambda e: e.get("RANK") or e.get("OMPI_COMM_WORLD_RANK"))


result = {"versions": f"torch {version('torch')}, openmpi {version('openmpi')}"}
result["cases"] = {name: environments(command) for name, command in CASES.items()}
text = json.dumps(result, indent=1)
print(re.sub(r'/tmp/[^"]*/attempt', "/tmp/attempt", text))
