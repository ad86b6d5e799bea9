package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"syscall"
)

// wheelFolder returns the name of the cache folder of the unpacked wheels of a platform.
func wheelFolder(p platform) string { return "libtorch-" + torchVersion + "-" + p.key() }

// key identifies the wheels and what is kept of them.
func (p platform) key() string {
	var hashes []string
	for _, w := range p.Wheels {
		hashes = append(hashes, w.SHA256)
	}
	return key(append(hashes, p.Keep...)...)
}

// requiredFiles lists files of the unpacked wheels. If one is missing, the wheels are downloaded
// again.
func (p platform) requiredFiles() []string {
	var names []string
	if slices.ContainsFunc(p.Wheels, func(w wheel) bool { return w.Name == "torch" }) {
		names = []string{"torch/include/torch/headeronly/version.h", "torch/include/torch/csrc/api/include/torch/torch.h"}
	}
	for _, pattern := range p.Keep {
		if !strings.Contains(pattern, "*") {
			names = append(names, pattern)
		}
	}
	for i, name := range names {
		names[i], _ = p.destination(name)
	}
	return names
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
	need := wheels + max(wheels, cmp.Or(p.Unpacked, unpackedBytes)) + builtBytes // pip copies a wheel before it removes the original
	free, err := freeBytes(dir)
	if err != nil || free >= need {
		return nil // if the free space is unknown, try the download
	}
	return fmt.Errorf("%d MB are free, %d MB are needed: %w", free/1e6, need/1e6, syscall.ENOSPC)
}
