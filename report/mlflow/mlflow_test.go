package mlflow

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"depthwise.dev/report"
)

// server is a tracking server with one run, which follows the REST API of MLflow 3.17.
type server struct {
	mu       sync.Mutex
	fail     int // answer so many requests with fail status
	status   int
	created  int
	runs     map[string]bool
	state    string
	metrics  []string // "key step"
	params   map[string]string
	files    map[string]string
	user     string
	artifact string // artifact_uri; "": through the server
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	if user, password, ok := r.BasicAuth(); ok {
		s.user = user + ":" + password
	} else {
		s.user = r.Header.Get("Authorization")
	}
	if s.fail > 0 {
		s.fail--
		w.WriteHeader(s.status)
		fmt.Fprint(w, `{"error_code":"SOME_CODE","message":"a reason"}`)
		return
	}
	if path, ok := strings.CutPrefix(r.URL.Path, "/api/2.0/mlflow-artifacts/artifacts/"); ok && r.Method == http.MethodPut {
		s.files[path] = string(body)
		return
	}
	var in struct {
		Run    string   `json:"run_id"`
		Name   string   `json:"run_name"`
		Status string   `json:"status"`
		Params []Pair   `json:"params"`
		List   []Metric `json:"metrics"`
	}
	_ = json.Unmarshal(body, &in)
	switch strings.TrimPrefix(r.URL.Path, "/api/2.0/mlflow/") {
	case "experiments/get-by-name":
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"none"}`)
	case "experiments/create":
		fmt.Fprint(w, `{"experiment_id":"7"}`)
	case "runs/create":
		s.created++
		s.state = "RUNNING"
		id := fmt.Sprintf("run%d", s.created)
		s.runs[id] = true
		fmt.Fprint(w, s.answer(id))
	case "runs/get":
		fmt.Fprint(w, s.answer(r.URL.Query().Get("run_id")))
	case "runs/update":
		if !s.runs[in.Run] {
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"error_code":"RESOURCE_DOES_NOT_EXIST"}`)
			return
		}
		s.state = in.Status
	case "runs/log-batch":
		for _, p := range in.Params {
			s.params[p.Key] += p.Value
		}
		for _, m := range in.List {
			s.metrics = append(s.metrics, fmt.Sprint(m.Key, " ", m.Step))
		}
	}
}

// answer is a run with the last step of each metric.
func (s *server) answer(id string) string {
	last := map[string]any{}
	for _, text := range s.metrics {
		key, step, _ := strings.Cut(text, " ")
		last[key] = map[string]any{"key": key, "step": json.Number(step)}
	}
	metrics, params := []any{}, []Pair{}
	for _, m := range last {
		metrics = append(metrics, m)
	}
	for k, v := range s.params {
		params = append(params, Pair{k, v})
	}
	uri := s.artifact
	if uri == "" {
		uri = "mlflow-artifacts:/7/" + id + "/artifacts"
	}
	b, _ := json.Marshal(map[string]any{"run": map[string]any{"info": map[string]any{"run_id": id, "artifact_uri": uri}, "data": map[string]any{"metrics": metrics, "params": params}}})
	return string(b)
}

func newServer(t *testing.T) (*server, string) {
	s := &server{runs: map[string]bool{}, params: map[string]string{}, files: map[string]string{}}
	h := httptest.NewServer(s)
	t.Cleanup(h.Close)
	return s, h.URL
}

// begin starts a recorder that hardly waits.
func begin(t *testing.T, o Options) *Recorder {
	t.Helper()
	if o.Getenv == nil {
		o.Getenv = func(string) string { return "" }
	}
	c, err := newClient(o.Address, o.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	return start(o, c, time.Millisecond)
}

func step(n int64) report.Step { return report.Step{Step: n, Epoch: 1, Loss: 1} }

// losses are the steps of train/loss that a server has.
func (s *server) losses() (list []string) {
	for _, m := range s.metrics {
		if step, ok := strings.CutPrefix(m, "train/loss "); ok {
			list = append(list, step)
		}
	}
	return list
}

// TestRun: metrics, parameters, artifacts and status; a server that fails for a while loses nothing.
func TestRun(t *testing.T) {
	for name, c := range map[string]struct{ fail, status int }{"good": {}, "busy": {5, 503}, "limited": {3, 429}, "proxy": {2, 502}} {
		t.Run(name, func(t *testing.T) {
			s, address := newServer(t)
			s.fail, s.status = c.fail, c.status
			dir := t.TempDir()
			file := filepath.Join(dir, "config.yaml")
			if err := os.WriteFile(file, []byte("a: b"), 0o644); err != nil {
				t.Fatal(err)
			}
			o := Options{Address: address, Dir: dir, Artifacts: []string{file, filepath.Join(dir, "none")}}
			for i := range 150 {
				o.Params = append(o.Params, Pair{fmt.Sprint("p", i), "v"})
			}
			r := begin(t, o)
			for n := range int64(700) {
				_ = r.Record(step(n + 1)) // a problem of the server
			}
			waitFor(t, s, func() bool { return s.fail == 0 })
			if err := r.End(Finished); err != nil {
				t.Fatal(err)
			}
			if len(s.losses()) != 700 || len(s.params) != 150 || s.state != "FINISHED" || !reflect.DeepEqual(s.files, map[string]string{"7/run1/artifacts/config.yaml": "a: b"}) {
				t.Errorf("%d losses, %d parameters, %s, %q", len(s.losses()), len(s.params), s.state, s.files)
			}
		})
	}
}

// waitFor waits for a state of the server.
func waitFor(t *testing.T, s *server, ready func() bool) {
	t.Helper()
	for range 10_000 {
		s.mu.Lock()
		ok := ready()
		s.mu.Unlock()
		if ok {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("the server is not in the expected state")
}

// TestResume: a continued run is the same one on the server, with each step once, also those that were lost.
func TestResume(t *testing.T) {
	s, address := newServer(t)
	dir := t.TempDir()
	r := begin(t, Options{Address: address, Dir: dir, Params: []Pair{{"a", "1"}}})
	for n := range int64(3) {
		_ = r.Record(step(n + 1))
	}
	if err := r.End(Killed); err != nil || s.state != "KILLED" {
		t.Fatal(err, s.state)
	}
	events, err := report.OpenJSONL(filepath.Join(dir, "events.jsonl"), report.Position{})
	if err != nil {
		t.Fatal(err)
	}
	for n := range int64(5) { // steps 4 and 5 did not reach the server
		if err := events.Record(step(n + 1)); err != nil {
			t.Fatal(err)
		}
	}
	events.Close()
	r = begin(t, Options{Address: address, Dir: dir, Step: 5, Params: []Pair{{"a", "2"}, {"b", "1"}}})
	_ = r.Record(step(6))
	if err := r.End(Finished); err != nil {
		t.Fatal(err)
	}
	if got := s.losses(); !reflect.DeepEqual(got, []string{"1", "2", "3", "4", "5", "6"}) || s.created != 1 || s.params["a"] != "1" || s.params["b"] != "1" {
		t.Errorf("%q, %d runs, %v", got, s.created, s.params)
	}
	r = begin(t, Options{Address: address, Dir: dir, Step: 2}) // steps 3 to 6 again
	for n := range int64(5) {
		_ = r.Record(step(n + 3))
	}
	if err := r.End(Finished); err != nil || len(s.losses()) != 7 {
		t.Errorf("%v, %q", err, s.losses())
	}
	s.runs = map[string]bool{} // deleted on the server
	r = begin(t, Options{Address: address, Dir: dir, Step: 2})
	if err := r.End(Finished); err != nil || s.created != 2 {
		t.Errorf("%v, %d runs", err, s.created)
	}
}

// TestProblems: errors say what is missing and what to do; Record never fails for long.
func TestProblems(t *testing.T) {
	for name, c := range map[string]struct {
		change func(s *server)
		want   []string
	}{
		"not allowed":    {func(s *server) { s.fail, s.status = 1000, 401 }, []string{"2 metrics of this run are missing", "401 Unauthorized", EnvironmentToken}},
		"always busy":    {func(s *server) { s.fail, s.status = 1000, 500 }, []string{"2 metrics of this run are missing", "500", "a reason"}},
		"other artifact": {func(s *server) { s.artifact = "/srv/mlruns/7" }, []string{"files of the run were not uploaded", "/srv/mlruns/7", "--serve-artifacts"}},
	} {
		t.Run(name, func(t *testing.T) {
			s, address := newServer(t)
			c.change(s)
			r := begin(t, Options{Address: address, Dir: t.TempDir()})
			_ = r.Record(report.Step{Step: 1, Loss: 1, ImagesPerSecond: 0, LR: 0})
			r.mu.Lock()
			r.queue = r.queue[:min(2, len(r.queue))]
			r.mu.Unlock()
			err := r.End(Failed)
			for _, want := range c.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want %q", err, want)
				}
			}
		})
	}
}

// TestQueue: the queue is bounded, and what does not fit is counted.
func TestQueue(t *testing.T) {
	r := &Recorder{now: time.Now}
	for n := range int64(maxQueue/4 + 10) {
		if err := r.Record(step(n)); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.queue) != maxQueue || r.lost != 40 {
		t.Errorf("%d queued, %d lost", len(r.queue), r.lost)
	}
}

// TestAddress: only servers; passwords are not shown.
func TestAddress(t *testing.T) {
	for _, address := range []string{"file:///mlruns", "./mlruns", "sqlite:///m.db", "databricks", "http://", "postgresql://user:secret@host/db", "http://[::1"} {
		_, err := newClient(address, os.Getenv)
		if err == nil || !strings.Contains(err.Error(), "mlflow server") || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error %v", address, err)
		}
	}
}

// TestAuthorization: as MLflow's own client.
func TestAuthorization(t *testing.T) {
	for name, c := range map[string]struct {
		env  map[string]string
		want string
	}{
		"none":     {nil, ""},
		"password": {map[string]string{EnvironmentUsername: "u", EnvironmentPassword: "p", EnvironmentToken: "t"}, "u:p"},
		"token":    {map[string]string{EnvironmentToken: "t"}, "Bearer t"},
	} {
		s, address := newServer(t)
		r := begin(t, Options{Address: address, Dir: t.TempDir(), Getenv: func(key string) string { return c.env[key] }})
		if err := r.End(Finished); err != nil || s.user != c.want {
			t.Errorf("%s: %q, want %q, %v", name, s.user, c.want, err)
		}
	}
}
