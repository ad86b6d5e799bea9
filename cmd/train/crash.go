package main

import (
	"os"
	"runtime/debug"
	"syscall"
)

// crashWithSignal makes a crash end the process with a signal: after a panic, a fatal error such as
// running out of memory, or a signal in C++ code, Go would exit with 2, which means wrong usage here.
// A recover in main would see neither the panics of other goroutines nor fatal errors. The signal is
// SIGABRT (134 in a shell), or SIGQUIT (131) where a thread of libgomp receives the one by which Go
// asks its threads for their stacks. As without it, there is no core file unless the user asks for
// one.
func crashWithSignal() {
	if os.Getenv("GOTRACEBACK") == "crash" {
		return
	}
	debug.SetTraceback("crash")
	var core syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_CORE, &core) == nil {
		core.Cur = 0
		_ = syscall.Setrlimit(syscall.RLIMIT_CORE, &core) // lowering a limit is always allowed
	}
}
