package main

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestDestination(t *testing.T) {
	cpu, cuda := platforms["linux/amd64"], cudaPlatforms["linux/amd64"]
	tests := []struct {
		name, to string
		cuda     bool // the download with CUDA keeps it where it is
	}{
		{"torch/include/ATen/ATen.h", "include/ATen/ATen.h", true},
		{"torch/lib/libtorch_cpu.so", "lib/libtorch_cpu.so", true},
		{"torch/lib/libgomp.so.1", "lib/libgomp.so.1", true},
		{"torch/lib/libgomp-a34b3233.so.1", "lib/libgomp-a34b3233.so.1", true},
		{"nvidia/cu13/lib/libcudart.so.13", "lib/libcudart.so.13", true},
		{"torch/lib/libtorch_cuda.so", "", true},
		{"nvidia/cudnn/lib/libcudnn_graph.so.9", "", true},
		{"nvidia/cu13/lib/libnvrtc.so.13", "", true},
		{"nvidia/cu13/lib/libnvrtc-builtins.so.13.2", "", true},
		{"nvidia/cu13/include/cuda_runtime_api.h", "", true},
		{"nvidia/cu13/include/crt/host_defines.h", "", true},
		{"nvidia/cu13/include/nv/detail/__target_macros", "", true},
		{"nvidia/cu13/include/cccl/cuda/std/array", "", false},
		{"torch/lib/libtorch_python.so", "", false},
		{"torch/nn/__init__.py", "", false},
		{"torch/include/../../../etc/passwd", "", false},
	}
	for _, tt := range tests {
		if to, ok := cpu.destination(tt.name); to != tt.to || ok != (tt.to != "") {
			t.Errorf("destination of %s is %q, want %q", tt.name, to, tt.to)
		}
		want := map[bool]string{true: tt.name}[tt.cuda]
		if to, ok := cuda.destination(tt.name); to != want || ok != tt.cuda {
			t.Errorf("with CUDA the destination of %s is %q, want %q", tt.name, to, want)
		}
	}
}

// fakeWheel writes a zip file with the given files.
func fakeWheel(t *testing.T, files map[string]string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "torch.whl")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := zip.NewWriter(f)
	for name, text := range files {
		e, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(e, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

var wheelFiles = map[string]string{
	"torch/include/torch/headeronly/version.h":           "v",
	"torch/include/torch/csrc/api/include/torch/torch.h": "t",
	"torch/lib/libtorch_cpu.so":                          "cpu",
	"torch/lib/libc10.so":                                "c10",
	"torch/lib/libgomp.so.1":                             "gomp",
	"torch/lib/libtorch_cuda.so":                         "cuda",
	"nvidia/cu13/lib/libcudart.so.13":                    "cudart",
	"nvidia/cu13/lib/libcupti.so.13":                     "cupti",
}

func TestUnpackFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	before := createFile
	t.Cleanup(func() { createFile = before })
	createFile = func(string) (io.WriteCloser, error) { return os.OpenFile("/dev/full", os.O_WRONLY, 0) }
	s, _ := newFake(t, nil)
	lockCache(t, s)
	wheel := fakeWheel(t, wheelFiles)
	_, err := s.cachedFolder("libtorch-1", func(dir string) ([]string, []string, error) {
		return nil, nil, s.unpack([]string{wheel}, platform{Keep: []string{"torch/lib/*"}}, dir)
	})
	wantError(t, err, "is full", "unpack torch/", "XDG_CACHE_HOME")
	wantNoLeftovers(t, s)
}

func TestUnpackDamagedWheel(t *testing.T) {
	s, _ := newFake(t, nil)
	path := filepath.Join(t.TempDir(), "torch.whl")
	writeFile(t, path, "no zip file")
	wantError(t, s.unpack([]string{path}, platform{}, t.TempDir()), "unpack "+path)
}

// TestFetch tests the path from pip to a complete folder, with a pip that copies a small wheel.
func TestFetch(t *testing.T) {
	p := platform{
		Wheels: []wheel{{"torch", torchVersion, "00", "manylinux_2_28_x86_64", 100}},
		Keep:   platforms["linux/amd64"].Keep,
	}
	wheel := fakeWheel(t, wheelFiles)
	t.Setenv("WHEEL", wheel)
	s, out := newFake(t, map[string]string{"python3": pipScript +
		`while [ "$1" != --dest ]; do shift; done
read line < "$4"
[ "$line" = "torch==` + torchVersion + ` --hash=sha256:00" ] || { echo "requirements: $line" >&2; exit 1; }
/bin/cp "$WHEEL" "$2/"`})
	lockCache(t, s)
	dir, err := s.cachedFolder("libtorch-1", func(dir string) ([]string, []string, error) { return nil, p.requiredFiles(), s.fetch(p, dir) })
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"lib/libtorch_cpu.so": "cpu", "lib/libcupti.so.13": "cupti", "include/torch/headeronly/version.h": "v"} {
		if got := readFile(t, filepath.Join(dir, name)); got != want {
			t.Errorf("%s holds %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"download", "lib/libtorch_cuda.so"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			t.Errorf("%s was not removed", name)
		}
	}
	if out.Len() == 0 {
		t.Error("no progress was shown")
	}
}
