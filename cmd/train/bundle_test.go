package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/weights/weightstest"
)

func TestBundleUsage(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "mine"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"no output", nil, "--output"},
		{"a folder with files", []string{"--output", full}, "is not empty"},
		{"in a missing folder", []string{"--output", "/none/x"}, "the folder /none does not exist"},
		{"an archive in a missing folder", []string{"--output", "/none/x.tar.gz"}, "the folder /none does not exist"},
		{"a server without weights", []string{"--inference", "--output", filepath.Join(full, "new")}, "needs: --weights"},
		{"a type of weights that are copied", []string{"--dtype", "bf16", "--output", filepath.Join(full, "new")}, "--dtype is that of --inference"},
		{"a file", []string{"--output", filepath.Join(full, "mine")}, "name a folder that does not exist yet"},
	} {
		code, stdout, stderr := execute(t, append([]string{"bundle"}, c.args...)...)
		if code != exitUsage || stdout != "" || !strings.Contains(lastLine(stderr), c.want) {
			t.Errorf("%s: exit code %d, %q; want %d and %q", c.name, code, stderr, exitUsage, c.want)
		}
	}
}

// TestBundleChecksWeights: damaged weights are found before 400 MB are copied.
func TestBundleChecksWeights(t *testing.T) {
	dir := t.TempDir()
	weights, output := filepath.Join(dir, "w.safetensors"), filepath.Join(dir, "out")
	if err := os.WriteFile(weights, []byte("damaged"), 0o644); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := execute(t, "bundle", "--weights", weights, "--output", output)
	if code != exitFailed || !strings.Contains(stderr, weights) {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	if _, err := os.Stat(output); !os.IsNotExist(err) {
		t.Errorf("wrote %s: %v", output, err)
	}
}

// TestBundleServer: the program in the bundle classifies without another file.
func TestBundleServer(t *testing.T) {
	file, output := filepath.Join(t.TempDir(), "w.safetensors"), filepath.Join(t.TempDir(), "out")
	if err := weightstest.New(t).Write(file); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := execute(t, "bundle", "--inference", "--weights", file, "--output", output)
	if code != exitDone || stdout != "" || !strings.Contains(stderr, "runs on any Linux") {
		t.Fatalf("exit code %d, %q", code, stderr)
	}
	program := filepath.Join(output, "bin", "serve")
	text, err := exec.Command(program, "-addr", "no such address").CombinedOutput()
	if err == nil || !strings.Contains(string(text), "no such address") {
		t.Errorf("%v: %s", err, text)
	}
	t.Setenv("PATH", t.TempDir())
	code, _, stderr = execute(t, "bundle", "--inference", "--weights", file, "--output", output+"2")
	if code != exitFailed || !strings.Contains(stderr, "train export --format go") {
		t.Errorf("without Go: exit code %d, %q", code, stderr)
	}
}
