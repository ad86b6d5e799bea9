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

// wheelFolder returns the name of the cache folder of the unpacked wheels of a platform.
func wheelFolder(p platform) string {
	var hashes []string
	for _, w := range p.Wheels {
		hashes = append(hashes, w.SHA256)
	}
	hashes = append(hashes, p.Keep...)
	return "libtorch-" + torchVersion + "-" + key(hashes...)
}

// requiredFiles lists files of the unpacked wheels. If one is missing, the wheels are downloaded
// again.
func (p platform) requiredFiles() []string {
	names := []string{"include/torch/headeronly/version.h", "include/torch/csrc/api/include/torch/torch.h"}
	for _, pattern := range p.Keep {
		if !strings.Contains(pattern, "*") {
			names = append(names, "lib/"+path.Base(pattern))
		}
	}
	return names
}

// fetch downloads the wheels of a platform and unpacks the required files to dir.
func (s *setup) fetch(p platform, dir string) error {
	download := filepath.Join(dir, "download")
	if err := os.MkdirAll(download, 0o755); err != nil {
		return err
	}
	if err := checkDiskSpace(dir, p); err != nil {
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
		return fmt.Errorf("pip downloaded %d wheels to %s instead of %d", len(files), download, len(p.Wheels))
	}
	slices.Sort(files)
	if err := s.unpack(files, p.Keep, dir); err != nil {
		return err
	}
	return os.RemoveAll(download)
}

// Disk space of the unpacked files of the wheels and of everything that setup compiles.
const (
	unpackedBytes = 560_000_000
	builtBytes    = 50_000_000
)

// freeBytes returns the free space on the disk of dir that is available to the user. A test
// replaces it.
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

// checkDiskSpace returns an error if the download does not fit on the disk.
func checkDiskSpace(dir string, p platform) error {
	wheels := p.bytes()
	need := wheels + max(wheels, unpackedBytes) + builtBytes // pip copies a wheel before it removes the original
	free, err := freeBytes(dir)
	if err != nil || free >= need {
		return nil // if the free space is unknown, try the download
	}
	return fmt.Errorf("%d MB are free, %d MB are needed: %w", free/1e6, need/1e6, syscall.ENOSPC)
}

// download runs pip to download the pinned wheels to dir. pip knows the user's mirrors, proxies and
// certificates.
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
	temp := filepath.Join(dir, "pip") // of pip's temporary files: on the same disk, removed with dir, and counted by the progress bar
	if err := os.Mkdir(temp, 0o755); err != nil {
		return err
	}
	cmd := exec.Command(pip[0], slices.Concat(pip[1:], args, []string{"--dest", dir, "-r", list})...)
	cmd.Env = append(os.Environ(), "TMPDIR="+temp, "PIP_DISABLE_PIP_VERSION_CHECK=1")
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	cmd.WaitDelay = time.Second

	bar := s.bar(fmt.Sprintf("downloading libtorch %s through pip", torchVersion), p.bytes())
	err = runWithProgress(bar, dir, cmd.Run)
	if err != nil {
		return pipError(strings.Join(cmd.Args, " "), output.String(), err)
	}
	return nil
}

// runWithProgress runs f and meanwhile shows the size of dir.
func runWithProgress(bar *bar, dir string, f func() error) error {
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
			bar.set(folderSize(dir))
		}
	}
}

// folderSize returns the total size of the files in dir. Files that disappear meanwhile do not
// count.
func folderSize(dir string) (bytes int64) {
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

// pipArguments returns the requirements file, the only place where pip accepts hashes, and the
// arguments that select the platform.
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

// pipError describes a failure of pip and what to do.
func pipError(command, output string, err error) error {
	if strings.Contains(output, "No space left on device") || strings.Contains(output, "Disk quota exceeded") {
		return fmt.Errorf("pip: %w", syscall.ENOSPC)
	}
	what := "pip could not download libtorch " + torchVersion
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
