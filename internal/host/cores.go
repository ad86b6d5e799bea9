package host

import (
	"bufio"
	"io"
	"os"
	"runtime"
	"strings"
)

// PhysicalCores returns the number of physical cores available to this process, at least 1. Cores
// with several hardware threads count once. Where the system does not distinguish cores from
// threads, the result is runtime.NumCPU.
func PhysicalCores() int {
	logical := min(runtime.NumCPU(), runtime.GOMAXPROCS(0)) // respects the affinity mask and a container's quota
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return logical
	}
	defer f.Close()
	if n := countCores(f); n > 0 {
		return min(n, logical)
	}
	return logical
}

// countCores counts the distinct pairs of socket and core in the text of
// /proc/cpuinfo. It returns 0 where the text does not name them.
func countCores(r io.Reader) int {
	cores := make(map[[2]string]bool)
	socket := ""
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ":")
		switch strings.TrimSpace(key) {
		case "processor":
			socket = ""
		case "physical id": // comes before "core id"
			socket = strings.TrimSpace(value)
		case "core id":
			cores[[2]string{socket, strings.TrimSpace(value)}] = true
		}
	}
	if lines.Err() != nil {
		return 0
	}
	return len(cores)
}
