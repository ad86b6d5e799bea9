"""Reads a run of an MLflow server with MLflow's own client and prints what it found as one line of JSON."""
import json
import sys

import mlflow

client = mlflow.MlflowClient(tracking_uri=sys.argv[1])
run = client.get_run(sys.argv[2])
result = {"version": mlflow.__version__, "status": run.info.status, "name": run.info.run_name, "params": run.data.params,
          "experiment": client.get_experiment(run.info.experiment_id).name, "metrics": {}, "artifacts": {}}
for key in run.data.metrics:
    result["metrics"][key] = sorted([m.step, m.value] for m in client.get_metric_history(run.info.run_id, key))
for file in client.list_artifacts(run.info.run_id):
    result["artifacts"][file.path] = file.file_size
print(json.dumps(result))
