package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestOutputs: a wrong output is refused before any work, by each flag that names one. The weights and
// folders do not exist: an error about them would mean that work had begun.
func TestOutputs(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("folder", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("file", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	commands := []struct{ args, flag, right, wrong string }{
		{"export --weights w --output", "--output", "x.npz", "x.gguf"},
		{"predict --weights w --input x.npy --output", "--output", "y.npy", "y.csv"},
		{"embed --weights w i.png --output", "--output", "e.npy", "e.npz"},
		{"embed --weights w i.png --output e.npy --csv", "--csv", "e.csv", "e.txt"},
		{"data stats s --output", "--output", "b.png", "b.jpg"},
		{"bench step --layers --plot", "--plot", "r.png", "r.svg"},
		{"bench infer --layers --plot", "--plot", "r.png", "r.svg"},
		{"check --plot", "--plot", "l.html", "l.png"},
	}
	for _, c := range commands {
		for _, o := range []struct{ name, path, want string }{
			{"a folder", "folder", "folder: is a folder: name a file in it"},
			{"a missing folder", "no/" + c.right, "no/" + c.right + ": the folder no does not exist: create it first"},
			{"a file as folder", "file/" + c.right, "file is not a folder"},
			{"standard output", "-", "-: for standard output use " + c.flag + " /dev/stdout"},
			{"another format", c.wrong, filepath.Ext(c.wrong)},
			{"another format in upper case", strings.ToUpper(c.wrong), filepath.Ext(c.wrong)},
		} {
			code, _, stderr := execute(t, append(strings.Fields(c.args), o.path)...)
			if last := strings.ToLower(lastLine(stderr)); code != exitUsage || !strings.Contains(last, strings.ToLower(o.want)) {
				t.Errorf("%s %s: %s: code %d, %q", c.args, o.path, o.name, code, last)
			}
		}
	}
	if code, _, stderr := execute(t, "export", "--weights", "w", "--output", "x.onnx", "--format", "npz"); code != exitUsage || !strings.Contains(stderr, "the extension is that of onnx, the format npz") {
		t.Errorf("--format and extension: %d, %s", code, stderr)
	}
}

// TestOutputThrough: exports and logits reach devices, FIFOs and links, which stay what they are.
func TestOutputThrough(t *testing.T) {
	dir, run := pictures(t), filepath.Join(t.TempDir(), "run")
	if code, _, stderr := execute(t, "--data", dir, "--out", run, "--width", "0.25", "--resolution", "32", "--epochs", "1",
		"--batch-size", "6", "--max-steps", "1", "--progress", "none"); code != exitDone {
		t.Fatal(stderr)
	}
	t.Chdir(t.TempDir())
	if err := syscall.Mkfifo("fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{"link": "real", "null": "/dev/null"} {
		if err := os.Symlink(target, link); err != nil {
			t.Fatal(err)
		}
	}
	read := make(chan int)
	go func() {
		b, _ := os.ReadFile("fifo")
		read <- len(b)
	}()
	for _, path := range []string{"null", "link", "fifo"} {
		before, err := os.Lstat(path)
		if err != nil {
			t.Fatal(err)
		}
		if code, _, stderr := execute(t, "export", "--weights", run, "--output", path); code != exitDone {
			t.Errorf("%s: %s", path, stderr)
		}
		if after, err := os.Lstat(path); err != nil || after.Mode() != before.Mode() {
			t.Errorf("%s was %v and is %v, %v", path, before.Mode(), after.Mode(), err)
		}
	}
	if n := <-read; n < 1000 {
		t.Errorf("the reader of the FIFO got %d bytes", n)
	}
	if code, stdout, stderr := execute(t, "eval", "--weights", "real", "--data", dir, "--batch-size", "9223372036854775807"); code != exitDone || !strings.Contains(stdout, "top-1") || stderr != "batch size 9223372036854775807 cut to 6, the number of images\n" {
		t.Errorf("the file behind the link: %s", stderr)
	}
	best := filepath.Join(run, "best.safetensors")
	if code, _, stderr := execute(t, "export", "--weights", run, "--output", best); code != exitFailed || !strings.Contains(stderr, "the output is the file of the weights") {
		t.Errorf("weights as output: %d, %s", code, stderr)
	}
	if code, _, stderr := execute(t, "export", "--weights", "fifo", "--output", "x.npz"); code != exitFailed || !strings.Contains(stderr, "not from a pipe or device") {
		t.Errorf("weights of a FIFO: %d, %s", code, stderr)
	}
}
