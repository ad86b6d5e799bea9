package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
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
