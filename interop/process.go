package interop

import (
	"os/exec"
	"syscall"
	"time"
)

// ownGroup makes the end of a command's context end the processes that it started too.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
}

// tail keeps the end of what is written to it.
type tail struct{ b []byte }

// tailSize is about 40 lines.
const tailSize = 4 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.b = append(t.b, b...)
	if len(t.b) > 2*tailSize {
		t.b = append(t.b[:0], t.b[len(t.b)-tailSize:]...)
	}
	return len(b), nil
}

func (t *tail) String() string { return string(t.b[max(0, len(t.b)-tailSize):]) }
