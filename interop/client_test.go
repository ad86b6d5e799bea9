package interop

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"depthwise.dev/checkpoints"
)

// scripts are clients that need no packages: the logits are a copy of the input.
const prelude = "import json, os, shutil, sys, time\nmodel, source, to = sys.argv[1:]\nshutil.copy(source, to)\n"

var scripts = map[string]string{
	"good": prelude + `os.system("echo written to file descriptor 1"); print("a line before")
print(json.dumps({"client": "good", "version": model, "classes": ["ä"], "note": "n", "probabilities": True, "more": os.environ["HF_HUB_OFFLINE"]}))`,
	"silent":    prelude,
	"raises":    prelude + "raise ValueError('the cause')",
	"fails":     prelude + "print('a message'); sys.exit(3)",
	"crashes":   prelude + "print('last words', file=sys.stderr, flush=True); os._exit(7)",
	"hangs":     prelude + "time.sleep(60) if model == 'hang' else print('{}')",
	"no output": "print('{}')",
}

// newClient writes the script beside worker.py, and an input of logits.
func newClient(t *testing.T, name string) (c *Client, input, output string) {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 on PATH")
	}
	dir := t.TempDir()
	worker, err := os.ReadFile(filepath.Join("clients", "worker.py"))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "worker.py"), worker, 0o644)
	}
	if script, ok := scripts[name]; ok && err == nil {
		err = os.WriteFile(filepath.Join(dir, "client_"+name+".py"), []byte(script), 0o644)
	}
	input, output = filepath.Join(dir, "in.npy"), filepath.Join(dir, "out.npy")
	a, errArray := checkpoints.NewArray("logits", []float32{1, 2, 3, 4, 5, 6}, 2, 3)
	if err := errors.Join(err, errArray, checkpoints.WriteNPY(input, a.Data)); err != nil {
		t.Fatal(err)
	}
	c = &Client{Name: name, Python: python, Dir: dir}
	t.Cleanup(c.Close)
	return c, input, output
}

// TestClient: one process runs a script again and again, and gives what it printed last and wrote.
func TestClient(t *testing.T) {
	c, input, output := newClient(t, "good")
	var process *exec.Cmd
	for _, model := range []string{"first", "ein ü"} {
		a, err := c.Run(t.Context(), model, input, output)
		if err != nil {
			t.Fatal(err)
		}
		if a.Client != "good" || a.Version != model || !slices.Equal(a.Classes, []string{"ä"}) || !a.Probabilities || a.Note != "n" ||
			!slices.Equal(a.Logits, []float32{1, 2, 3, 4, 5, 6}) || !slices.Equal(a.Shape, []int{2, 3}) {
			t.Errorf("%+v", a)
		}
		if process != nil && process != c.process {
			t.Error("another process")
		}
		process = c.process
	}
}

// TestClientFails: the error says why, and the client can be used again.
func TestClientFails(t *testing.T) {
	for _, c := range []struct{ script, want string }{
		{"silent", "its last line is not JSON"},
		{"raises", "ValueError: the cause"},
		{"fails", "exit code 3: a message"},
		{"crashes", "last words"},
		{"no output", "out.npy"},
		{"missing", "client_missing.py: no such file"},
	} {
		client, input, output := newClient(t, c.script)
		for range 2 {
			if _, err := client.Run(t.Context(), "m", input, output); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "client "+c.script) {
				t.Errorf("%s: error %v, want %q", c.script, err, c.want)
			}
		}
	}
}

// TestClientHangs: the end of the context ends the process; the next run starts another.
func TestClientHangs(t *testing.T) {
	client, input, output := newClient(t, "hangs")
	if _, err := client.Run(t.Context(), "go", input, output); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := client.Run(ctx, "hang", input, output); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want that of the context", err)
	}
	if _, err := client.Run(t.Context(), "go", input, output); err != nil {
		t.Errorf("after it: %v", err)
	}
}
