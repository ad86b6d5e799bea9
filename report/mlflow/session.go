package mlflow

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"depthwise.dev/internal/atomicfile"
	"depthwise.dev/internal/redact"
	"depthwise.dev/report"
	"depthwise.dev/report/history"
)

// File is the name of the file in a run's folder that has the run's id on the server.
const File = "mlflow.json"

// stored is the content of File.
type stored struct {
	Address string `json:"tracking_uri"` // without a password
	Run     string `json:"run_id"`
}

// session is a run of the server.
type session struct {
	client    *client
	run       string
	artifacts string           // the address of its artifacts
	last      map[string]int64 // the last step of each metric that the server has
}

// runAnswer is the answer of runs/create and runs/get.
type runAnswer struct {
	Run struct {
		Info struct {
			ID        string `json:"run_id"`
			Artifacts string `json:"artifact_uri"`
		} `json:"info"`
		Data struct {
			Metrics []struct {
				Key  string      `json:"key"`
				Step json.Number `json:"step"`
			} `json:"metrics"`
			Params []Pair `json:"params"`
		} `json:"data"`
	} `json:"run"`
}

// begin finds the run of the folder on the server or creates one, and sends what the server lacks.
func (r *Recorder) begin() (*session, error) {
	var answer runAnswer
	err := r.try(func(ctx context.Context) error { return r.find(ctx, &answer) })
	if err != nil {
		return nil, err
	}
	s := &session{client: r.client, run: answer.Run.Info.ID, artifacts: answer.Run.Info.Artifacts, last: map[string]int64{}}
	if s.run == "" {
		return nil, errors.New("the answer of runs/create has no run_id: the address is not that of an MLflow server")
	}
	for _, m := range answer.Run.Data.Metrics {
		step, _ := m.Step.Int64() // 0 where it is left out
		s.last[m.Key] = step
	}
	text, err := json.Marshal(stored{redact.Address(r.options.Address), s.run})
	if err == nil {
		err = atomicfile.WriteFile(filepath.Join(r.options.Dir, File), 0o644, append(text, '\n'))
	}
	if err != nil {
		return nil, err
	}
	return s, errors.Join(r.params(s, answer.Run.Data.Params), r.complete(s))
}

// find gets the run of a continued folder, or creates one.
func (r *Recorder) find(ctx context.Context, answer *runAnswer) error {
	o := r.options
	if text, err := os.ReadFile(filepath.Join(o.Dir, File)); err == nil && o.Step > 0 {
		var known stored
		if json.Unmarshal(text, &known) == nil && known.Address == redact.Address(o.Address) {
			err := r.client.call(ctx, "runs/update", map[string]any{"run_id": known.Run, "status": running}, nil)
			if err == nil {
				err = r.client.call(ctx, "runs/get?run_id="+url.QueryEscape(known.Run), nil, answer)
			}
			if err == nil || !missing(err) {
				return err
			}
		}
	}
	name := cmp.Or(o.Experiment, "Default")
	var experiment struct {
		ID         string `json:"experiment_id"` // of experiments/create
		Experiment struct {
			ID string `json:"experiment_id"`
		} `json:"experiment"`
	}
	err := r.client.call(ctx, "experiments/get-by-name?experiment_name="+url.QueryEscape(name), nil, &experiment)
	if missing(err) {
		err = r.client.call(ctx, "experiments/create", map[string]any{"name": name}, &experiment)
	}
	if err != nil {
		return err
	}
	return r.client.call(ctx, "runs/create", map[string]any{"experiment_id": cmp.Or(experiment.Experiment.ID, experiment.ID), "run_name": o.Name, "start_time": r.now().UnixMilli(),
		"tags": []Pair{{"mlflow.source.name", "depthwise train"}, {"mlflow.source.type", "LOCAL"}}}, answer)
}

// params sends the parameters that the server lacks: those that it has cannot change.
func (r *Recorder) params(s *session, have []Pair) error {
	known := map[string]bool{}
	for _, p := range have {
		known[p.Key] = true
	}
	var list []Pair
	for _, p := range r.options.Params {
		if !known[p.Key] {
			list = append(list, p)
		}
	}
	for len(list) > 0 {
		n := min(maxParams, len(list))
		if err := r.try(func(ctx context.Context) error {
			return s.client.call(ctx, "runs/log-batch", map[string]any{"run_id": s.run, "params": list[:n]}, nil)
		}); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

// complete sends the steps and epochs up to the start of a continued run that the server lacks.
func (r *Recorder) complete(s *session) error {
	if r.options.Step == 0 {
		return nil
	}
	at := r.now().UnixMilli()
	var list []Metric
	send := func() error {
		err := r.try(func(ctx context.Context) error { return s.metrics(ctx, list) })
		list = nil
		return err
	}
	err := history.Events(filepath.Join(r.options.Dir, "events.jsonl"), func(e report.Event) error {
		step, scalars := report.Scalars(e)
		if step > r.options.Step {
			return nil // in the queue
		}
		for _, v := range scalars {
			if last, ok := s.last[v.Tag]; !ok || step > last {
				list = append(list, Metric{v.Tag, v.Value, at, step})
			}
		}
		if len(list) > maxMetrics-50 {
			return send()
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, send())
}

// metrics sends those metrics that the server lacks: a resumed run computes steps again that a killed one had sent, with the
// same values.
func (s *session) metrics(ctx context.Context, list []Metric) error {
	var lacking []Metric
	for _, m := range list {
		if last, ok := s.last[m.Key]; !ok || m.Step > last {
			lacking = append(lacking, m)
		}
	}
	if len(lacking) == 0 {
		return nil
	}
	return s.client.call(ctx, "runs/log-batch", map[string]any{"run_id": s.run, "metrics": lacking}, nil)
}

// finish uploads the artifacts and ends the run.
func (r *Recorder) finish(s *session) error {
	err := r.upload(s)
	r.mu.Lock()
	status := r.final
	r.mu.Unlock()
	update := map[string]any{"run_id": s.run, "status": status, "end_time": r.now().UnixMilli()}
	return errors.Join(err, r.try(func(ctx context.Context) error { return s.client.call(ctx, "runs/update", update, nil) }))
}

// upload uploads the files that exist.
func (r *Recorder) upload(s *session) error {
	u, err := url.Parse(s.artifacts)
	if err != nil || u.Scheme != "mlflow-artifacts" {
		return fmt.Errorf("the files of the run were not uploaded: the server stores them at %s, and does not accept them itself; start it with --serve-artifacts", redact.Address(s.artifacts))
	}
	for _, file := range r.options.Artifacts {
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		path := strings.TrimPrefix(u.EscapedPath(), "/") + "/" + url.PathEscape(filepath.Base(file))
		if err := r.try(func(ctx context.Context) error { return s.client.upload(ctx, path, file) }); err != nil {
			return fmt.Errorf("upload %s: %w", filepath.Base(file), err)
		}
	}
	return nil
}
