package checkpoints

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"depthwise.dev/internal/host"
	"depthwise.dev/internal/regularfile"
)

// TestReadRefusesPipes: a checkpoint is read more than once, and a FIFO would wait for its writer.
func TestReadRefusesPipes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{path, "/dev/zero"} {
		if _, err := Read(path); !errors.Is(err, regularfile.ErrIrregular) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestPipe: the size of a pipe is not known before its end.
func TestPipe(t *testing.T) {
	header := "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)}"
	for _, c := range []struct {
		name string
		file []byte
		want string // of the error
	}{
		{"a float", npy1(header, 0, 0, 128, 63), ""},
		{"cut", npy1(header, 0, 0, 128), "EOF"},
		{"a byte too many", npy1(header, 0, 0, 128, 63, 0), "more bytes follow it"},
		{"nothing", nil, "EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "fifo")
			if err := syscall.Mkfifo(path, 0o600); err != nil {
				t.Fatal(err)
			}
			go func() { _ = os.WriteFile(path, c.file, 0o600) }() // the reader may end before
			d, err := ReadNPY(path)
			if c.want == "" {
				if err != nil || !slices.Equal(d.Data().([]float32), []float32{1}) {
					t.Errorf("%v, %v", d, err)
				}
			} else if !errors.Is(err, ErrNPY) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want ErrNPY and %q", err, c.want)
			}
		})
	}
}

// TestBeyondMemory: a sparse file takes no disk, but its values would take all memory.
func TestBeyondMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the memory of the machine is known on Linux only")
	}
	sparse := func(name string, head []byte, size int64) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, head, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, size); err != nil {
			t.Skipf("no sparse file of %d bytes: %v", size, err)
		}
		return path
	}
	head := npy1("{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776,)}")
	path := sparse("f.npy", head, int64(len(head))+4<<40)
	if _, err := ReadNPY(path); err == nil || !strings.Contains(err.Error(), "take 4.4 TB of memory, but ") || !strings.Contains(err.Error(), path) {
		t.Errorf(".npy: %v", err)
	}
	path = sparse("f.safetensors", []byte{2, 0, 0, 0, 0, 0, 0, 0, '{', '}'}, 4<<40)
	if _, err := Read(path); err == nil || !strings.Contains(err.Error(), "take 4.4 TB of memory, but ") || !strings.Contains(err.Error(), path) {
		t.Errorf(".safetensors: %v", err)
	}
	if err := checkMemory(100, host.Bound{N: 100, By: "ulimit -v"}); err != nil {
		t.Errorf("what fits: %v", err)
	}
}
