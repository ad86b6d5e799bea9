package datatest

import "syscall"

// systemErrors are those that this system has beside the common ones.
var systemErrors = []syscall.Errno{syscall.EREMOTEIO}
