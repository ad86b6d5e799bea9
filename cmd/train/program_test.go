package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

var (
	packageFolder, _ = os.Getwd() // tests change to other folders
	programFolder    string       // of the built program; TestMain removes it
)

// buildProgram builds the program, without debugging information as make bundle does, which halves the time to link it.
var buildProgram = sync.OnceValues(func() (string, error) {
	var err error
	if programFolder, err = os.MkdirTemp("", "depthwise-program-"); err != nil {
		return "", err
	}
	binary := filepath.Join(programFolder, "train")
	build := exec.Command("go", "build", "-ldflags", "-s -w", "-o", binary, ".")
	build.Dir = packageFolder
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return binary, nil
})

// builtProgram returns the path of the program, which is built once for all tests.
func builtProgram(t *testing.T) string {
	t.Helper()
	binary, err := buildProgram()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}
