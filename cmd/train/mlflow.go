package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"depthwise.dev/report"
	"depthwise.dev/report/mlflow"
	"depthwise.dev/report/page"
	"depthwise.dev/train"
	"depthwise.dev/weights"
)

// mlflowRun records the run on the server of MLFLOW_TRACKING_URI.
type mlflowRun struct {
	*mlflow.Recorder // nil before start
	address          string
	status           string // of the last event
}

func (m *mlflowRun) name() string { return "MLflow" }

// start implements [tracker].
func (m *mlflowRun) start(dir string, e report.Start) error {
	settings, err := readSettings(filepath.Join(dir, configName))
	if err != nil {
		return err
	}
	o := mlflow.Options{Address: m.address, Dir: dir, Step: e.Step, Experiment: os.Getenv(mlflow.EnvironmentExperiment), Getenv: os.Getenv,
		Name: cmp.Or(os.Getenv(mlflow.EnvironmentRun), filepath.Base(dir))}
	for _, s := range settings {
		o.Params = append(o.Params, mlflow.Pair{Key: s.Name, Value: fmt.Sprint(s.Value)})
	}
	for _, file := range []string{configName, weights.BestFile, page.File} {
		o.Artifacts = append(o.Artifacts, filepath.Join(dir, file))
	}
	m.Recorder, err = mlflow.Open(o)
	return err
}

// Record implements [report.Recorder].
func (m *mlflowRun) Record(e report.Event) error {
	if done, ok := e.(report.Done); ok {
		m.status = done.Status
	}
	return m.Recorder.Record(e)
}

// end implements [tracker].
func (m *mlflowRun) end(err error) error {
	status := mlflow.Finished
	switch {
	case errors.Is(err, train.ErrInterrupted) || err == nil && m.status == report.Interrupted:
		status = mlflow.Killed
	case err != nil:
		status = mlflow.Failed
	}
	return m.End(status)
}
