package live

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"depthwise.dev/report"
	"depthwise.dev/train/control"
)

// controlled returns a server of a run that is in a step, and the run's side of its controls.
func controlled(t *testing.T, phase control.Phase) (*Run, *control.Control) {
	t.Helper()
	c := control.New()
	_, release := c.Attach(t.Context())
	t.Cleanup(release)
	c.Take(control.Position{Phase: phase, Step: 7, Steps: 20, LR: 0.1, NextLR: 0.08, Factor: 1})
	return NewRun(nil, c), c
}

func post(s *Run, path, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, httptest.NewRequest("POST", path, strings.NewReader(body)))
	return w
}

// TestControlAPI: the answers to requests that change the run.
func TestControlAPI(t *testing.T) {
	for _, c := range []struct {
		name, path, body string
		phase            control.Phase
		code             int
		want             string
	}{
		{"checkpoint", "/api/checkpoint", "", control.Training, 202, `{"action":"checkpoint","after_step":8,"text":"after step 8 the run writes a checkpoint"}`},
		{"empty object", "/api/checkpoint", "{}", control.Training, 202, `"after_step":8`},
		{"pause", "/api/pause", "", control.Training, 202, `pauses"`},
		{"continue", "/api/continue", "", control.Training, 409, "not paused"},
		{"stop", "/api/stop", "", control.Training, 202, "train resume continues it"},
		{"factor", "/api/lr", `{"factor": 0.5}`, control.Training, 202, `"factor":0.5,"lr":0.04,`},
		{"rate", "/api/lr", ` {"lr":0.02} `, control.Paused, 202, `"lr":0.02,`},
		{"no value", "/api/lr", "", control.Training, 400, "either"},
		{"both values", "/api/lr", `{"lr": 1, "factor": 1}`, control.Training, 400, "either"},
		{"null", "/api/lr", `{"lr": null}`, control.Training, 400, "either"},
		{"zero", "/api/lr", `{"lr": 0}`, control.Training, 400, "above 0"},
		{"negative", "/api/lr", `{"factor": -0.5}`, control.Training, 400, "above 0"},
		{"infinite", "/api/lr", `{"lr": 1e999}`, control.Training, 400, "finite"},
		{"NaN", "/api/lr", `{"lr": NaN}`, control.Training, 400, "JSON object"},
		{"text", "/api/lr", `{"lr": "0.1"}`, control.Training, 400, "JSON object"},
		{"another field", "/api/lr", `{"factr": 0.5}`, control.Training, 400, "factr"},
		{"a number alone", "/api/lr", `0.5`, control.Training, 400, "JSON object"},
		{"two objects", "/api/lr", `{"factor": 0.5} {"factor": 0.5}`, control.Training, 400, "follows"},
		{"a form", "/api/lr", `factor=0.5`, control.Training, 400, "JSON object"},
		{"a large body", "/api/lr", `{"factor": 0.` + strings.Repeat("5", 5000) + `}`, control.Training, 413, "too large"},
		{"pause with a value", "/api/pause", `{"factor": 0.5}`, control.Training, 400, "takes no values"},
		{"in a validation", "/api/lr", `{"factor": 0.5}`, control.Validating, 409, "validates"},
		{"before the start", "/api/lr", `{"factor": 0.5}`, control.Starting, 409, "has not begun"},
		{"after the end", "/api/pause", "", control.Ended, 409, "has ended"},
		{"no such action", "/api/restart", "", control.Training, 404, ""},
		{"the page", "/", "", control.Training, 405, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, _ := controlled(t, c.phase)
			w := post(s, c.path, c.body)
			if w.Code != c.code || !strings.Contains(w.Body.String(), c.want) {
				t.Errorf("status %d, want %d: %s", w.Code, c.code, w.Body)
			}
			if c.code >= 400 && c.want != "" && !json.Valid(w.Body.Bytes()) {
				t.Errorf("the error is not JSON: %s", w.Body)
			}
		})
	}
}

// TestControlMethods: the addresses that change a run do nothing for GET, and do not exist without controls.
func TestControlMethods(t *testing.T) {
	s, c := controlled(t, control.Training)
	for _, action := range control.Actions {
		if w := get(s.Handler(), "/api/"+action); w.Code != 405 {
			t.Errorf("GET %s: %d", action, w.Code)
		}
		if w := post(NewRun(nil, nil), "/api/"+action, ""); w.Code != 404 {
			t.Errorf("without controls, %s: %d", action, w.Code)
		}
	}
	if list := c.Take(control.Position{}); len(list) > 0 || c.Stopped() {
		t.Errorf("the run got %v", list)
	}
}

// TestManyRequests: the server limits the rate of requests, also of a stop, which does not wait for the end of a step.
func TestManyRequests(t *testing.T) {
	s, _ := controlled(t, control.Training)
	h, refused := s.Handler(), 0
	for range 50 {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("POST", "/api/stop", nil))
		if w.Code == 429 {
			refused++
		}
	}
	if refused == 0 {
		t.Error("50 requests were accepted")
	}
}

// TestControlState: a pause and the changes of the learning rate are in the state, the metrics and the stream.
func TestControlState(t *testing.T) {
	s := trainingRun(t)
	state := func(want ...string) {
		t.Helper()
		text := get(s.Handler(), "/api/state").Body.String()
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("the state lacks %s: %s", w, text)
			}
		}
	}
	state(`"state":"running"`, `"control":null`, `"lr_factor":1`)
	_ = s.Record(report.Control{Step: 2, Action: report.ControlPause})
	state(`"state":"paused"`, `"control":{"event":"control","step":2,"action":"pause"}`)
	_ = s.Record(report.Control{Step: 2, Action: report.ControlLR, LRFactor: 0.5, LR: 0.05, LRBefore: 0.1})
	_ = s.Record(report.Checkpoint{Step: 2})
	state(`"state":"paused"`, `"lr_factor":0.5`)
	if text := get(s.Handler(), "/metrics").Body.String(); !strings.Contains(text, `{state="paused"} 1`) || !strings.Contains(text, "depthwise_train_learning_rate_factor 0.5\n") {
		t.Errorf("metrics: %s", text)
	}
	_ = s.Record(report.Control{Step: 2, Action: report.ControlContinue, Seconds: 3})
	state(`"state":"running"`, `"lr_factor":0.5`, `"seconds":3`)
	_ = s.Record(report.Control{Step: 2, Action: report.ControlPause})
	_ = s.Record(report.Done{Status: report.Interrupted})
	state(`"state":"interrupted"`)
	resumed := NewRun(nil, nil)
	_ = resumed.Record(report.Start{Run: "x", Step: 2, LRFactor: 0.5})
	if text := get(resumed.Handler(), "/api/state").Body.String(); !strings.Contains(text, `"lr_factor":0.5`) {
		t.Errorf("after a resume: %s", text)
	}
	close(s.ended)
	if text := get(s.Handler(), "/api/stream", "Last-Event-ID", "0").Body.String(); !strings.Contains(text, "event: control\n") {
		t.Errorf("the stream: %s", text)
	}
}

// TestControlPage: a page has controls only where the run can be changed.
func TestControlPage(t *testing.T) {
	s := trainingRun(t)
	if text := get(s.Handler(), "/").Body.String(); strings.Contains(text, `id="controls"`) {
		t.Error("a page without controls has buttons")
	}
	with := NewRun(nil, control.New())
	now, _ := s.snapshot()
	_ = with.Record(*now.start)
	text := get(with.Handler(), "/").Body.String()
	for _, want := range []string{`id="controls" class="off" role="group" aria-label`, `data-action="checkpoint" aria-disabled="true">Checkpoint now<`, `aria-live="polite"`, "<dialog"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

// FuzzReadRequest: no body makes a value that no run accepts out of what is not a number.
func FuzzReadRequest(f *testing.F) {
	for _, seed := range []string{"", "{}", `{"factor":0.5}`, `{"lr":1e-3}`, `{"lr":1e999}`, `[1]`, `{"lr":1}{"lr":2}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		q, err := readRequest(strings.NewReader(body), control.LR)
		if err == nil && (q.Factor != nil || q.Rate != nil) && !json.Valid([]byte(body)) {
			t.Errorf("%q was read as %v", body, q)
		}
	})
}
