package host

import (
	"bufio"
	"bytes"
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"
)

// Bound is the amount of a resource that the process can still take, and what limits it. Where
// nothing is known, N is math.MaxInt64 and By is empty.
type Bound struct {
	N  int64
	By string
}

func unbounded() Bound { return Bound{N: math.MaxInt64} }

// lower returns the smaller bound. A negative amount is 0.
func (b Bound) lower(n int64, by string) Bound {
	if n = max(n, 0); n < b.N {
		return Bound{n, by}
	}
	return b
}

// freeMemory returns the bytes that the system can still give: what /proc/meminfo calls available,
// and free swap space.
func freeMemory(root fs.FS) Bound {
	text, err := fs.ReadFile(root, "proc/meminfo")
	available, ok := field(text, "MemAvailable:")
	if err != nil || !ok {
		return unbounded()
	}
	swap, _ := field(text, "SwapFree:")
	return unbounded().lower((available+swap)<<10, "the free memory of this machine")
}

// controller names the files in which a version of cgroups limits a resource.
type controller struct {
	name, limit, usage string
	reclaimable        string // entry of memory.stat: page cache that is freed on demand
}

// https://docs.kernel.org/admin-guide/cgroup-v2.html and cgroup-v1/memory.html.
var (
	memoryV1 = controller{"memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"}
	memoryV2 = controller{"", "memory.max", "memory.current", "inactive_file"}
	pidsV1   = controller{name: "pids", limit: "pids.max", usage: "pids.current"}
	pidsV2   = controller{limit: "pids.max", usage: "pids.current"}
)

// groupBound returns what the process's control group and those above it leave, of the given
// controllers.
func groupBound(root fs.FS, by string, controllers ...controller) Bound {
	b := unbounded()
	for _, c := range controllers {
		for _, folder := range groupFolders(root, c.name) {
			limit, ok := number(root, path.Join(folder, c.limit))
			if usage, known := number(root, path.Join(folder, c.usage)); ok && known {
				stat, _ := fs.ReadFile(root, path.Join(folder, "memory.stat"))
				cache, _ := field(stat, c.reclaimable)
				b = b.lower(limit-max(usage-cache, 0), by)
			}
		}
	}
	return b
}

// number reads a file that holds a number. "max", no limit, is not one.
func number(root fs.FS, name string) (int64, bool) {
	text, err := fs.ReadFile(root, name)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64)
	return n, err == nil
}

// field returns the number after a name at the beginning of a line.
func field(text []byte, name string) (int64, bool) {
	if name == "" {
		return 0, false
	}
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) >= 2 && words[0] == name {
			n, err := strconv.ParseInt(words[1], 10, 64)
			return n, err == nil
		}
	}
	return 0, false
}
