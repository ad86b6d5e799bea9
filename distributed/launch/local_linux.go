package launch

import "syscall"

// attributes puts a rank into a process group of its own, so that a terminal's signals reach it once, through this
// process; and makes the system end it when this process ends.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}
