package main

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// TestCrash: a crash ends with a signal and its reason, never with the exit code of wrong usage.
func TestCrash(t *testing.T) {
	crashes := map[string]func(){
		"panic":                    func() { panic("broken on purpose") },
		"panic of a goroutine":     func() { go panic("broken on purpose"); select {} },
		"fatal error, no memory":   func() { _ = make([]byte, 1<<46)[1<<45] },
		"signal, as abort() sends": func() { _ = syscall.Kill(os.Getpid(), syscall.SIGABRT); select {} },
	}
	if name := os.Getenv("DEPTHWISE_TEST_CRASH"); name != "" {
		crashWithSignal()
		crashes[name]()
	}
	for _, c := range []struct{ name, want string }{
		{"panic", "broken on purpose"},
		{"panic of a goroutine", "broken on purpose"},
		{"fatal error, no memory", "out of memory"},
		{"signal, as abort() sends", "SIGABRT"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestCrash$", "-test.timeout", "20s")
			cmd.Env = append(os.Environ(), "DEPTHWISE_TEST_CRASH="+c.name, "GOTRACEBACK=")
			out, err := cmd.CombinedOutput()
			exit, ok := errors.AsType[*exec.ExitError](err)
			if !ok {
				t.Fatalf("error %v\n%s", err, out)
			}
			status, _ := exit.Sys().(syscall.WaitStatus)
			if !status.Signaled() || status.Signal() != syscall.SIGABRT && status.Signal() != syscall.SIGQUIT || status.CoreDump() || !strings.Contains(string(out), c.want) {
				t.Errorf("%v; standard error lacks %q:\n%.2000s", exit, c.want, out)
			}
		})
	}
}
