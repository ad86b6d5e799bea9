package checkpoints

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestLock(t *testing.T) {
	dir := t.TempDir()
	release, err := Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Lock(dir)
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), fmt.Sprintf("process %d)", os.Getpid())) {
		t.Errorf("a second lock: %v", err)
	}
	release()
	release, err = Lock(dir)
	if err != nil {
		t.Fatalf("after the release: %v", err)
	}
	release()
	if _, err := Lock(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing folder: %v", err)
	}
}

func TestLockOfAKilledProcess(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), saveLoopDir+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	started := bufio.NewScanner(out).Scan() // its first save: it has the lock
	_, locked := Lock(dir)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil || !started {
		t.Fatalf("the other process ended on its own: %v", err)
	}
	if !errors.Is(locked, ErrLocked) || !strings.Contains(locked.Error(), fmt.Sprintf("process %d)", cmd.Process.Pid)) {
		t.Errorf("while it ran: %v", locked)
	}
	release, err := Lock(dir)
	if err != nil {
		t.Fatalf("after it was killed: %v", err)
	}
	release()
}
