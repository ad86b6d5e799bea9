//go:build unix && !linux

package launch

import "syscall"

// attributes puts a rank into a process group of its own, so that a terminal's signals reach it once, through this
// process.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
