package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/checkpoints"
	"depthwise.dev/formats"
	"depthwise.dev/weights"
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
		{"another archive", []string{"--output", filepath.Join(full, "new.zip")}, "archives are .tar.gz or .tgz"},
		{"an archive that is not compressed", []string{"--output", filepath.Join(full, "new.tar")}, "archives are .tar.gz or .tgz"},
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
	file, output := filepath.Join(dir, "w.safetensors"), filepath.Join(dir, "out")
	if err := os.WriteFile(file, []byte("damaged"), 0o644); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := execute(t, "bundle", "--weights", file, "--output", output)
	if code != exitFailed || !strings.Contains(stderr, file) {
		t.Errorf("exit code %d, %q", code, stderr)
	}
	if _, err := os.Stat(output); !os.IsNotExist(err) {
		t.Errorf("wrote %s: %v", output, err)
	}
}

// TestWeightsToBundle: weights that files beside them describe are copied with what those say, others are taken as they are.
func TestWeightsToBundle(t *testing.T) {
	folder, dir := t.TempDir(), t.TempDir()
	own, published := filepath.Join(folder, "own.safetensors"), filepath.Join(folder, "published.npz")
	w := weightstest.New(t)
	if err := w.Write(own); err != nil {
		t.Fatal(err)
	}
	if got, err := weightsToBundle(own, dir); err != nil || got != own {
		t.Errorf("weights that describe themselves: %s, %v", got, err)
	}
	if err := checkpoints.WriteNPZ(published, w.Arrays); err != nil {
		t.Fatal(err)
	}
	sum, err := weights.Digest(published)
	if err != nil {
		t.Fatal(err)
	}
	p := w.Preprocess
	p.Mean = [3]float64{0.1, 0.2, 0.3}
	if err := weights.WriteSidecar(published, weights.Sidecar{SHA256: sum, Origin: weights.Origin{Name: "n", License: "mit"}, Preprocess: &p}); err != nil {
		t.Fatal(err)
	}
	got, err := weightsToBundle(published, dir)
	if err != nil || got != filepath.Join(dir, "published.safetensors") {
		t.Fatalf("%s, %v", got, err)
	}
	copied, err := formats.Read(got)
	if err != nil {
		t.Fatal(err)
	}
	if o, err := copied.PublishedOrigin(); err != nil || o == nil || o.License != "mit" || copied.Preprocess.Mean != p.Mean || copied.Origin != "" {
		t.Errorf("origin %+v, %v; %+v, %q", o, err, copied.Preprocess, copied.Origin)
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
