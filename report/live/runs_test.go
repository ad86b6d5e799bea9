package live

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/report/page"
)

// folderOfRuns writes a finished and a failed run below a folder, with a name that needs escapes.
func folderOfRuns(t *testing.T) string {
	t.Helper()
	top := t.TempDir()
	for name, done := range map[string]string{"group/good <b> %": `"status":"finished"`, "bad": `"status":"failed","error":"out of <disk>"`} {
		write(t, filepath.Join(top, name, "config.yaml"), "data: photos\narch: mobilenet_v1\nwidth: 1\nresolution: 224\nepochs: 2\n")
		write(t, filepath.Join(top, name, "events.jsonl"), `{"event":"epoch","epoch":1,"epochs":2,"step":4,"val_top1":0.5,"val_images":2,"best":true}`+"\n"+`{"event":"done","step":4,`+done+"}\n")
		write(t, filepath.Join(top, name, "metrics.csv"), "epoch,val_top1,best\n1,0.25,1\n2,0.5,1\n")
	}
	write(t, filepath.Join(top, "secret.txt"), "secret")
	return top
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func get(h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// TestRuns: the list, its links, and that no other files are served.
func TestRuns(t *testing.T) {
	top := folderOfRuns(t)
	h := NewRuns(top, func(d page.Data) []string { return []string{"next " + d.State} }).Handler()
	const good = "/runs/group/good%20%3Cb%3E%20%25"
	for _, c := range []struct {
		path string
		code int
		has  []string
	}{
		{"/", 200, []string{"2 runs", `href="` + good + `"`, `href="/runs/bad"`, "50.00", "failed", "out of &lt;disk&gt;", "good &lt;b&gt; %"}},
		{good, 200, []string{"finished", "All runs", "next finished", "50.00", `data-interval="5"`}},
		{"/runs/bad", 200, []string{"out of &lt;disk&gt;"}},
		{"/healthz", 200, []string{"ok"}},
		{"/runs/none", 404, []string{"no run"}},
		{"/runs/", 404, nil},
		{"/runs/group", 404, nil},
		{"/runs/secret.txt", 404, nil},
		{"/runs/bad/config.yaml", 404, nil},
		{"/runs/..%2f..%2fetc", 404, nil},
		{"/runs/bad%2f..%2fgroup", 404, nil},
		{"/elsewhere", 404, nil},
	} {
		w := get(h, c.path)
		if w.Code != c.code {
			t.Errorf("%s: status %d, want %d", c.path, w.Code, c.code)
		}
		for _, want := range c.has {
			if !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s lacks %q", c.path, want)
			}
		}
	}
	r := httptest.NewRequest("POST", "/", nil)
	w := httptest.NewRecorder()
	if h.ServeHTTP(w, r); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", w.Code)
	}
}

// TestRunsAPI: the list in JSON.
func TestRunsAPI(t *testing.T) {
	var got struct {
		Runs []struct {
			State    string  `json:"state"`
			BestTop1 float64 `json:"best_top1"`
		} `json:"runs"`
		Problems []string `json:"problems"`
	}
	w := get(NewRuns(folderOfRuns(t), nil).Handler(), "/api/runs")
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(got.Runs) != 2 || got.Runs[0].BestTop1 != 0.5 || got.Problems == nil {
		t.Errorf("%v: %s", err, w.Body)
	}
	if w := get(NewRuns(t.TempDir(), nil).Handler(), "/api/runs"); strings.TrimSpace(w.Body.String()) != `{"runs":[],"problems":[]}` {
		t.Errorf("no runs: %s", w.Body)
	}
	if w := get(NewRuns(filepath.Join(t.TempDir(), "none"), nil).Handler(), "/"); w.Code != 500 || !strings.Contains(w.Body.String(), "none") {
		t.Errorf("no folder: %d %s", w.Code, w.Body)
	}
}

// TestPagesAreKept: a browser that has the page gets no second copy, and the policy allows the page's script alone.
func TestPagesAreKept(t *testing.T) {
	h := NewRuns(folderOfRuns(t), nil).Handler()
	for _, path := range []string{"/", "/runs/bad"} {
		first := get(h, path)
		if second := get(h, path, "If-None-Match", first.Header().Get("ETag")); second.Code != http.StatusNotModified || second.Body.Len() > 0 {
			t.Errorf("%s: status %d with %d bytes", path, second.Code, second.Body.Len())
		}
		_, rest, _ := strings.Cut(first.Body.String(), "<script>")
		text, _, _ := strings.Cut(rest, "</script>")
		if text != page.LiveScript() {
			t.Errorf("%s: its script is not that of the policy", path)
		}
	}
}
