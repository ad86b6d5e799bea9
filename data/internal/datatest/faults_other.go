//go:build !linux

package datatest

import "syscall"

var systemErrors []syscall.Errno
