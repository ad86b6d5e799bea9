package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// download runs pip to download the wheel to a file. pip knows the user's mirrors, proxies and certificates; the file
// appears when it is complete and verified. Temporary files are made in dir.
func (w wheel) download(file, dir, what string) error {
	pip, err := findPip()
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp(dir, "")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	list := filepath.Join(temp, "requirements.txt") // the only place where pip accepts hashes
	requirement := fmt.Sprintf("%s==%s --hash=sha256:%s\n", w.Name, w.Version, w.SHA256)
	if err := os.WriteFile(list, []byte(requirement), 0o644); err != nil {
		return err
	}
	cmd := exec.Command(pip[0], slices.Concat(pip[1:], pipArguments, []string{"--platform", w.Platform, "--dest", temp, "-r", list})...)
	cmd.Env = append(os.Environ(), "TMPDIR="+temp, "PIP_DISABLE_PIP_VERSION_CHECK=1")
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return pipError(what, strings.Join(cmd.Args, " "), output.String(), err)
	}
	found, err := filepath.Glob(filepath.Join(temp, "*.whl"))
	if err != nil {
		return err
	}
	if len(found) != 1 {
		return fmt.Errorf("pip downloaded %d wheels of %s instead of one", len(found), w.Name)
	}
	return os.Rename(found[0], file)
}

// pipArguments are those of every download. The wheels are those of Python 3.12, whatever Python pip runs with.
var pipArguments = []string{"download", "--quiet", "--no-deps", "--no-cache-dir", "--only-binary=:all:", "--retries", "2",
	"--python-version", "3.12", "--require-hashes"}

// findPip returns the command line of pip.
func findPip() ([]string, error) {
	for _, c := range [][]string{{"python3", "-m", "pip"}, {"python", "-m", "pip"}, {"pip3"}, {"pip"}} {
		if exec.Command(c[0], append(c[1:], "--version")...).Run() == nil {
			return c, nil
		}
	}
	return nil, fmt.Errorf("pip, which downloads libtorch, is missing: none of python3 -m pip, pip3, pip runs; install it%s, "+
		"or set LIBTORCH to the folder of an unpacked libtorch %s to %s", aptHint("python3-pip"), oldestVersion, newestVersion)
}

// pipError describes a failure of pip to download something, and what to do.
func pipError(download, command, output string, err error) error {
	if strings.Contains(output, "No space left on device") || strings.Contains(output, "Disk quota exceeded") {
		return fmt.Errorf("pip: %w", syscall.ENOSPC)
	}
	what := "pip could not download " + download
	hint := "check the network, the proxy and pip's index (pip config list), then run setup again; " +
		"without a network set LIBTORCH to the folder of an unpacked libtorch"
	if strings.Contains(output, "DO NOT MATCH THE HASHES") {
		what = "pip downloaded a file that is not the pinned one"
		hint = "a proxy or mirror changes files: check pip's index (pip config list), then run setup again"
	}
	return fmt.Errorf("%s: %w; %s\noutput of %s:\n%s", what, err, hint, command, lastLines(output, 6))
}

// lastLines returns the last n lines of a program's output, indented.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return "  " + strings.Join(lines[max(0, len(lines)-n):], "\n  ")
}
