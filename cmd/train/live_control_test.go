package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"depthwise.dev/report/runs"
)

// output is what a command has printed so far.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// eventually waits for a condition, for at most a minute.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !condition(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never %s", what)
		}
	}
}

// send sends a request, and returns the status and the body of its answer.
func send(t *testing.T, method, address, body string, header map[string]string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
		if name == "Host" {
			r.Host = value
		}
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// TestControlOfTraining: a run that trains is paused, changed and stopped through its address, and only with its token.
func TestControlOfTraining(t *testing.T) {
	data, dir := pictures(t), filepath.Join(t.TempDir(), "run")
	var stderr output
	code := make(chan int, 1)
	go func() {
		code <- run(t.Context(), []string{"--data", data, "--out", dir, "--width", "0.25", "--resolution", "32", "--epochs", "100000", "--batch-size", "6", "--workers", "1", "--report=false",
			"--device", "cpu", "--progress", "plain", "--serve", "127.0.0.1:0"}, io.Discard, &stderr)
	}()
	link := regexp.MustCompile(`live report: (http://127\.0\.0\.1:[0-9]+/)\?token=([0-9a-f]{32})\n`)
	eventually(t, "an epoch", func() bool { return strings.Contains(stderr.String(), "saved") })
	found := link.FindStringSubmatch(stderr.String())
	if found == nil {
		t.Fatalf("no address: %s", stderr.String())
	}
	address, token := found[1], map[string]string{"Authorization": "Bearer " + found[2]}
	state := func() (s struct {
		State    string
		LRFactor float64 `json:"lr_factor"`
	}) {
		_, text := send(t, "GET", address+"api/state", "", nil)
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, c := range []struct {
		name   string
		header map[string]string
		want   int
	}{
		{"no token", nil, 401},
		{"wrong token", map[string]string{"Authorization": "Bearer 0123456789abcdef"}, 401},
		{"token as a cookie", map[string]string{"Cookie": "token=" + found[2]}, 401},
		{"page of another site", map[string]string{"Authorization": token["Authorization"], "Origin": "https://example.com"}, 403},
		{"name of another site", map[string]string{"Authorization": token["Authorization"], "Host": "example.com"}, 421},
	} {
		if status, text := send(t, "POST", address+"api/stop", "", c.header); status != c.want {
			t.Errorf("%s: %d %s", c.name, status, text)
		}
	}
	if status, text := send(t, "POST", address+"api/pause", "", token); status != 202 {
		t.Fatalf("pause: %d %s", status, text)
	}
	eventually(t, "paused", func() bool { return state().State == "paused" })
	if r, err := runs.Open(dir); err != nil || r.State != runs.Paused {
		t.Errorf("the run in its folder is %s, %v", r.State, err)
	}
	if status, text := send(t, "POST", address+"api/lr", `{"factor": 0.5}`, token); status != 202 {
		t.Errorf("change: %d %s", status, text)
	}
	eventually(t, "changed", func() bool { return state().LRFactor == 0.5 })
	if status, text := send(t, "POST", address+"api/stop", "", token); status != 202 {
		t.Fatalf("stop: %d %s", status, text)
	}
	if got := <-code; got != exitInterrupted {
		t.Errorf("exit code %d: %s", got, stderr.String())
	}
	for _, want := range []string{"paused on request; its live page continues", "learning rate changed on request", "stop requested", "interrupted after", "resume " + dir} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("the output lacks %q: %s", want, stderr.String())
		}
	}
	checkNoToken(t, dir, found[2])
}

// checkNoToken: no file of the run has the token.
func checkNoToken(t *testing.T, dir, token string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if bytes.Contains(text, []byte(token)) {
			t.Errorf("%s has the token", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
