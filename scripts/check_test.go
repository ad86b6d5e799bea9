// Package scripts tests the scripts beside it.
package scripts

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestCheckScript runs scripts/gpu_check.sh with a bundle whose programs are shell scripts: what fails is a row that failed, what
// hangs ends at the part's limit, and what the time does not allow is named.
func TestCheckScript(t *testing.T) {
	readScripts(t)
	const works = `case "$*" in *version*) echo "depthwise 1" ;; *) echo '{"loader_img_s": 12.6, "train_img_s": 3}' ;; esac`
	for _, c := range []struct {
		name, train, test, part, limit string
		rows                           map[string]string // name: status, and a part of the text
		absent                         string            // a status that no row has
	}{
		{name: "everything works", train: works, part: "d", limit: "60", absent: "failed",
			rows: map[string]string{"train version": "ok depthwise 1", "loader, 1 workers": "ok 13 img/s", "bench step from shards": "ok 3 img/s"}},
		{name: "the program fails", train: "echo 'error: no such thing' >&2; exit 1", part: "d", limit: "60",
			rows: map[string]string{"train version": "failed exit status 1", "loader, 1 workers": "failed loader.log: error: no such thing"}},
		{name: "the program hangs", train: "sleep 60", part: "d", limit: "8",
			rows: map[string]string{"images": "ok ", "loader, 1 workers": "failed ran past its limit", "train v1 from images": "not run the part's time was over"}},
		{name: "device tests", train: works, part: "a", limit: "20",
			test: "echo '--- PASS: TestGood (0.10s)'; echo '--- FAIL: TestBad (0.20s)'; echo '    --- FAIL: TestBad/case (0.1s)'; echo '        bad_test.go:3: broken'; exit 1",
			rows: map[string]string{"TestGood": "ok 0.10s", "TestBad": "failed bad_test.go:3: broken", "device tests": "failed exit status 1"}},
		{name: "no answers", train: works, test: "exit 3", part: "c", limit: "8",
			rows: map[string]string{"ours with backend auto, graph default": "info the process ended", "step mobilenet_v1 4 bf16, 1 rounds": "failed ours: none"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, table := checkScript(t, c.part, c.limit, c.train, c.test)
			for name, want := range c.rows {
				status, text, _ := strings.Cut(want, " ")
				if rest, cut := strings.CutPrefix(want, "not run "); cut {
					status, text = "not run", rest
				}
				if r, ok := rows[name]; !ok || r.Status != status || !strings.Contains(r.Text, text) {
					t.Errorf("row %q is %+v, want %s\n%s", name, r, want, table)
				}
			}
			for name, r := range rows {
				if c.absent != "" && r.Status == c.absent {
					t.Errorf("row %q: %+v", name, r)
				}
			}
		})
	}
}

// checkRow is a line of rows.jsonl.
type checkRow struct{ Part, Name, Status, Text string }

// readScripts reads all scripts, so that go test's cache knows that a test depends on them, and checks their syntax.
func readScripts(t *testing.T) {
	t.Helper()
	for _, pattern := range []string{"*.sh", "*.py", "gpu/*"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %q, %v", pattern, files, err)
		}
		for _, file := range files {
			if _, err := os.ReadFile(file); err != nil {
				t.Fatal(err)
			}
			if filepath.Ext(file) != ".sh" {
				continue
			}
			if out, err := exec.CommandContext(t.Context(), "bash", "-n", file).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		}
	}
}

// checkScript runs a part and returns its rows by name, and the table. The exit status must be that of the rows.
func checkScript(t *testing.T, part, limit, train, test string) (map[string]checkRow, string) {
	t.Helper()
	bundle, out := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{"bin/train": train, "bin/device.test": test, "data/shards.json": `{"classes": []}`} {
		path := filepath.Join(bundle, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(name, "bin/") {
			text = "#!/bin/bash\n" + text + "\n"
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(bundle, "bundle.env"), []byte("torch=none\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "bash", "gpu_check.sh", part)
	cmd.Env = append(os.Environ(), "DEVICE=cpu", "QUICK=1", "PEERS=none", "OUT="+out, "BUNDLE="+bundle, "PART_LIMIT="+limit)
	printed, err := cmd.CombinedOutput()
	file, openErr := os.Open(filepath.Join(out, "rows.jsonl"))
	if openErr != nil {
		t.Fatalf("%v\n%s", openErr, printed)
	}
	defer file.Close()
	rows, bad := map[string]checkRow{}, false
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var r checkRow
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("%v: %s", err, lines.Text())
		}
		rows[r.Name] = r
		bad = bad || r.Status == "failed" || r.Status == "not run"
	}
	if (err != nil) != bad {
		t.Errorf("exit status %v, want an error: %v", err, bad)
	}
	return rows, string(printed)
}

// TestCheckScriptRefuses: wrong arguments and a missing bundle.
func TestCheckScriptRefuses(t *testing.T) {
	readScripts(t)
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"no part", nil, "no part is named"},
		{"an unknown part", []string{"a", "x"}, "unknown part x"},
		{"no bundle", []string{"a"}, "make one: scripts/gpu_pack.sh"},
	} {
		cmd := exec.CommandContext(t.Context(), "bash", append([]string{"gpu_check.sh"}, c.args...)...)
		cmd.Env = append(os.Environ(), "BUNDLE="+filepath.Join(t.TempDir(), "none"))
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), c.want) {
			t.Errorf("%s: %v, %s", c.name, err, out)
		}
	}
}
