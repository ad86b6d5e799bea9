package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// wheelFolder names the cache's folder for the unpacked wheels of a platform.
func wheelFolder(p platform) string {
	var pins []string
	for _, w := range p.Wheels {
		pins = append(pins, w.SHA256)
	}
	pins = append(pins, p.Keep...)
	return "libtorch-" + torchVersion + "-" + key(pins...)
}

// watch lists the files whose loss means that the unpacked wheels must be fetched again.
func (p platform) watch() []string {
	names := []string{"include/torch/headeronly/version.h", "include/torch/csrc/api/include/torch/torch.h"}
	for _, pattern := range p.Keep {
		if !strings.Contains(pattern, "*") {
			names = append(names, "lib/"+path.Base(pattern))
		}
	}
	return names
}

// fetch downloads the wheels of a platform and unpacks what is needed of them into dir.
func (s *setup) fetch(p platform, dir string) error {
	download := filepath.Join(dir, "download")
	if err := os.MkdirAll(download, 0o755); err != nil {
		return err
	}
	if err := roomFor(dir, p); err != nil {
		return err
	}
	if err := s.download(p, download); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(download, "*.whl"))
	if err != nil {
		return err
	}
	if len(files) != len(p.Wheels) {
		return fmt.Errorf("pip left %d wheels in %s in place of %d", len(files), download, len(p.Wheels))
	}
	slices.Sort(files)
	if err := s.unpack(files, p.Keep, dir); err != nil {
		return err
	}
	return os.RemoveAll(download)
}

// What the kept files of the wheels, and everything that is compiled, take on disk.
const (
	unpackedBytes = 560_000_000
	builtBytes    = 50_000_000
)

// freeBytes tells how much a user may still write to the disk that holds dir; a variable for tests.
var freeBytes = func(dir string) (int64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * int64(st.Bsize), nil
}

// bytes is the size of all wheels.
func (p platform) bytes() (total int64) {
	for _, w := range p.Wheels {
		total += w.Bytes
	}
	return total
}

// roomFor refuses to start a download that cannot fit.
func roomFor(dir string, p platform) error {
	wheels := p.bytes()
	need := wheels + max(wheels, unpackedBytes) + builtBytes // pip copies a wheel before it removes the original
	free, err := freeBytes(dir)
	if err != nil || free >= need {
		return nil // a disk that does not tell is tried
	}
	return fmt.Errorf("%d MB are free, %d MB are needed: %w", free/1e6, need/1e6, syscall.ENOSPC)
}

// download lets pip fetch the pinned wheels into dir. pip knows the user's mirrors, proxies and certificates.
func (s *setup) download(p platform, dir string) error {
	pip, err := findPip()
	if err != nil {
		return err
	}
	requirements, args := pipArguments(p)
	list := filepath.Join(dir, "requirements.txt")
	if err := os.WriteFile(list, []byte(requirements), 0o644); err != nil {
		return err
	}
	temp := filepath.Join(dir, "pip") // pip's own temporary files: same disk, same cleaning, and the bar sees them grow
	if err := os.Mkdir(temp, 0o755); err != nil {
		return err
	}
	cmd := exec.Command(pip[0], slices.Concat(pip[1:], args, []string{"--dest", dir, "-r", list})...)
	cmd.Env = append(os.Environ(), "TMPDIR="+temp, "PIP_DISABLE_PIP_VERSION_CHECK=1")
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.WaitDelay = time.Second

	bar := s.bar(fmt.Sprintf("downloading libtorch %s through pip", torchVersion), p.bytes())
	err = watching(bar, dir, cmd.Run)
	if err != nil {
		return pipError(strings.Join(cmd.Args, " "), output.String(), err)
	}
	return nil
}

// watching runs f and meanwhile shows how many bytes lie in dir.
func watching(bar *bar, dir string, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-done:
			bar.finish(err == nil)
			return err
		case <-tick.C:
			bar.set(sizeOf(dir))
		}
	}
}

// sizeOf adds up the files in dir; one that vanishes meanwhile counts nothing.
func sizeOf(dir string) (bytes int64) {
	filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil
		}
		if info, err := d.Info(); err == nil {
			bytes += info.Size()
		}
		return nil
	})
	return bytes
}

// findPip returns the command line that starts pip.
func findPip() ([]string, error) {
	for _, c := range [][]string{{"python3", "-m", "pip"}, {"python", "-m", "pip"}, {"pip3"}, {"pip"}} {
		if exec.Command(c[0], append(c[1:], "--version")...).Run() == nil {
			return c, nil
		}
	}
	return nil, fmt.Errorf("pip, which fetches libtorch, is not there: none of python3 -m pip, pip3, pip runs; install it%s, "+
		"or set LIBTORCH to the folder of an unpacked libtorch %s to %s", aptHint("python3-pip"), oldestVersion, newestVersion)
}

// pipArguments returns the requirements file, which alone may hold hashes, and the arguments that pin the platform.
func pipArguments(p platform) (requirements string, args []string) {
	args = []string{"download", "--quiet", "--no-deps", "--no-cache-dir", "--only-binary=:all:", "--retries", "2",
		"--python-version", "3.12", "--require-hashes"}
	var b strings.Builder
	for _, w := range p.Wheels {
		fmt.Fprintf(&b, "%s==%s --hash=sha256:%s\n", w.Name, w.Version, w.SHA256)
		args = append(args, "--platform", w.Platform)
	}
	return b.String(), args
}

// pipError says what pip's failure means and what to do.
func pipError(command, output string, err error) error {
	if strings.Contains(output, "No space left on device") || strings.Contains(output, "Disk quota exceeded") {
		return fmt.Errorf("pip: %w", syscall.ENOSPC)
	}
	what := "pip could not download libtorch " + torchVersion
	hint := "check the network, the proxy and pip's index (pip config list), then run setup again; " +
		"without a network set LIBTORCH to the folder of an unpacked libtorch"
	if strings.Contains(output, "DO NOT MATCH THE HASHES") {
		what = "pip downloaded a file that is not the pinned one"
		hint = "something on the way changes files: check pip's index (pip config list), then run setup again"
	}
	return fmt.Errorf("%s: %w; %s\n%s said:\n%s", what, err, hint, command, lastLines(output, 6))
}

// lastLines keeps the end of a program's output.
func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return "  " + strings.Join(lines[max(0, len(lines)-n):], "\n  ")
}
