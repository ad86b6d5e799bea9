package main

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
)

// spinVariable is how often a thread of libgomp looks for the others at a barrier before it sleeps. By default it looks for
// many milliseconds: when another process has its partner's core, it burns the time that the partner waits for.
const spinVariable = "GOMP_SPINCOUNT"

// spinCount keeps the speed of an idle machine (0.99, median of three) and makes a machine in use 2 to 16 times as fast:
// docs/benchmarks.md has the table. 1,000 costs 8 % and more on an idle machine; 30,000 and more fall back to a tenth under
// load in some runs.
const spinCount = "10000"

// boundSpinning starts the program again with a bounded spin: libgomp reads the variable when it is loaded, before main. It
// leaves the choice of a user who has made one, and returns if there is nothing to do or the system refuses, as where the
// program's file was deleted or its file system forbids execution. The process keeps its number, parent, ignored signals
// (nohup), open files and affinity.
func boundSpinning() {
	if runtime.GOOS != "linux" || chosen(os.LookupEnv) {
		return
	}
	program, err := os.Executable()
	if err != nil || isLoader(program) {
		return
	}
	environment := append(os.Environ(), spinVariable+"="+spinCount)
	_ = syscall.Exec(program, os.Args, environment) // returns only on an error; the program then computes as it is
}

// chosen reports whether one of the variables is set, be it to nothing: the program that is started again has the first of
// them, and must not start itself again.
func chosen(lookup func(string) (string, bool)) bool {
	return slices.ContainsFunc([]string{spinVariable, "OMP_WAIT_POLICY"}, func(name string) bool { _, ok := lookup(name); return ok })
}

// isLoader reports whether the file is the dynamic loader, started with the program as its argument, as
// /lib64/ld-linux-x86-64.so.2 ./train. Started again with the program's own arguments it would take the first for a program.
func isLoader(file string) bool {
	name := filepath.Base(file)
	return strings.HasPrefix(name, "ld-") || strings.HasPrefix(name, "ld.so") || strings.HasPrefix(name, "ld64.so")
}
