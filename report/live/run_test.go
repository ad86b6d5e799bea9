package live

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"depthwise.dev/data"
	"depthwise.dev/report"
)

// trainingRun returns a server of a run with two steps of an epoch, and the folder of the run.
func trainingRun(t *testing.T) *Run {
	t.Helper()
	top := folderOfRuns(t)
	s := NewRun(nil, nil)
	for _, e := range []report.Event{report.Start{Run: data.EscapeName(filepath.Join(top, "bad")), Epochs: 2, Steps: 8, Batches: 4},
		report.Step{Step: 1, Epoch: 1, Batch: 1, Batches: 4, Loss: 2, LR: 0.1, ImagesPerSecond: math.Inf(1)}, report.Checkpoint{Step: 1, Path: "c"},
		report.Step{Step: 2, Epoch: 1, Batch: 2, Batches: 4, Loss: 1.5, LR: 0.1}} {
		if err := s.Record(e); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// TestRunState: the states of a run, from its events.
func TestRunState(t *testing.T) {
	s := NewRun(nil, nil)
	for _, c := range []struct {
		event report.Event
		want  string
	}{
		{report.Note{Text: "x"}, "starting"},
		{report.Start{Run: "runs/a", Steps: 8}, "running"},
		{report.Step{Step: 4, Loss: math.NaN()}, "running"},
		{report.Validation{Batch: 1}, "validating"},
		{report.Epoch{Epoch: 1, Step: 4, Best: true, ValLoss: math.NaN()}, "running"},
		{report.Done{Status: report.Interrupted}, "interrupted"},
	} {
		if err := s.Record(c.event); err != nil {
			t.Fatal(err)
		}
		var got stateJSON
		w := get(s.Handler(), "/api/state")
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.State != c.want {
			t.Errorf("after %s: %v, %s", c.event.Kind(), err, w.Body)
		}
	}
	if text := get(s.Handler(), "/api/state").Body.String(); !strings.Contains(text, `"events":5,`) || !strings.Contains(text, `"loss":null`) {
		t.Errorf("the state is %s", text)
	}
}

// TestRunPages: the paths of a server, before and after the start.
func TestRunPages(t *testing.T) {
	s := trainingRun(t)
	for _, c := range []struct {
		name, path string
		of         *Run
		code       int
		has        []string
	}{
		{"page", "/", s, 200, []string{`data-stream="/api/stream"`, "live-status", "50.00"}},
		{"page before the start", "/", NewRun(nil, nil), 503, []string{"has not started"}},
		{"metrics", "/metrics", s, 200, []string{"depthwise_train_loss 1.5\n", "depthwise_train_steps 8\n", `depthwise_train_state{state="running"} 1`, "depthwise_train_checkpoint_step 1\n"}},
		{"metrics before the start", "/metrics", NewRun(nil, nil), 200, []string{`{state="starting"} 1`}},
		{"probe", "/healthz", NewRun(nil, nil), 200, []string{"ok"}},
		{"events", "/api/events?after=2", s, 200, []string{`{"events":[{"event":"checkpoint","step":1,"path":"c","best":false},{"event":"step","step":2,`, `"next":4,"lost":0}`}},
		{"no new events", "/api/events?after=4", s, 200, []string{`{"events":[],"next":4,"lost":0}`}},
		{"events after the last", "/api/events?after=99", s, 200, []string{`"events":[]`}},
		{"all events", "/api/events", s, 200, []string{`"event":"start"`, `"images_per_second":null`}},
		{"wrong number", "/api/events?after=-1", s, 400, []string{"after="}},
		{"no number", "/api/events?after=x", s, 400, []string{"after="}},
		{"other paths", "/config.yaml", s, 404, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := get(c.of.Handler(), c.path)
			if w.Code != c.code {
				t.Errorf("status %d, want %d: %s", w.Code, c.code, w.Body)
			}
			for _, want := range c.has {
				if !strings.Contains(w.Body.String(), want) {
					t.Errorf("lacks %q: %.2000s", want, w.Body)
				}
			}
		})
	}
}

// TestEventsAreBounded: old events are dropped, and their number is in the answer.
func TestEventsAreBounded(t *testing.T) {
	s := NewRun(nil, nil)
	for i := range maxEvents + 10 {
		_ = s.Record(report.Step{Step: int64(i + 1)})
	}
	list, lost := s.after(3, 5)
	if lost != 7 || len(list) != 5 || list[0].number != 11 || list[0].event.(report.Step).Step != 11 {
		t.Errorf("%d lost, %v", lost, list)
	}
}

// message reads the next message of a stream, without comments.
func message(t *testing.T, r *bufio.Reader) (kind, text string) {
	t.Helper()
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if v, ok := strings.CutPrefix(line, "event: "); ok {
			kind = strings.TrimSpace(v)
		}
		if v, ok := strings.CutPrefix(line, "data: "); ok {
			text = strings.TrimSpace(v)
		}
		if line == "\n" && kind != "" {
			return kind, text
		}
	}
}

// TestStream: a stream has the state at once, then events other than steps, and the last state when the run ends.
func TestStream(t *testing.T) {
	s := trainingRun(t)
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	answer, err := http.Get(server.URL + "/api/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	r := bufio.NewReader(answer.Body)
	if kind, text := message(t, r); kind != "state" || !strings.Contains(text, `"loss":1.5`) || answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("%s: %s", kind, text)
	}
	_ = s.Record(report.Step{Step: 3})
	_ = s.Record(report.Epoch{Epoch: 1, Step: 3})
	if kind, text := message(t, r); kind != "epoch" || !strings.Contains(text, `"step":3`) {
		t.Errorf("%s: %s", kind, text)
	}
	if kind, _ := message(t, r); kind != "state" {
		t.Errorf("after the epoch: %s", kind)
	}
	_ = s.Record(report.Done{Status: report.Finished})
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if kind, _ := message(t, r); kind != "done" {
		t.Errorf("at the end: %s", kind)
	}
	if kind, text := message(t, r); kind != "state" || !strings.Contains(text, `"state":"finished"`) {
		t.Errorf("at the end: %s %s", kind, text)
	}
	if len(s.streams) != 0 {
		t.Errorf("%d streams are left", len(s.streams))
	}
}

// TestStreamGoesOn: a browser that connects again gets the events that it has missed.
func TestStreamGoesOn(t *testing.T) {
	s := trainingRun(t)
	close(s.ended)
	text := get(s.Handler(), "/api/stream", "Last-Event-ID", "2").Body.String()
	if !strings.HasPrefix(text, "id: 3\nevent: checkpoint\n") || strings.Contains(text, "event: step") {
		t.Errorf("got %s", text)
	}
}

// TestStreamsAreBounded: a client beyond the limit is refused, and a place becomes free.
func TestStreamsAreBounded(t *testing.T) {
	s := trainingRun(t)
	for range maxStreams {
		s.streams <- struct{}{}
	}
	if w := get(s.Handler(), "/api/stream"); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("status %d", w.Code)
	}
}

// TestRecordNeverWaits: clients that do not read do not stop a run, whose memory is bounded.
func TestRecordNeverWaits(t *testing.T) {
	s := trainingRun(t)
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for range 4 {
		r, err := http.NewRequestWithContext(ctx, "GET", server.URL+"/api/stream", nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close() // nobody reads it
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 100_000 {
			_ = s.Record(report.Note{Text: fmt.Sprint("note ", i)})
		}
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Error("the run waits for its clients")
	}
}

// BenchmarkRecord is what an event costs a run.
func BenchmarkRecord(b *testing.B) {
	s := NewRun(nil, nil)
	for b.Loop() {
		_ = s.Record(report.Step{Step: 1})
	}
}
