package host

import (
	"math"
	"os"
	"strconv"
	"syscall"
)

// rlimitNPROC is RLIMIT_NPROC, which package syscall lacks. It has this number on amd64 and arm64.
const rlimitNPROC = 6

// plenty is more threads than a user usually has. To count them takes 10 ms on a machine with 500
// processes.
const plenty = 5000

// AvailableMemory returns the bytes that the process can still allocate: the least of what the
// machine, the control groups (v1 and v2) and ulimit leave.
func AvailableMemory() Bound {
	root := os.DirFS("/")
	b := freeMemory(root)
	if group := groupBound(root, "the memory limit of the control group", memoryV1, memoryV2); group.N < b.N {
		b = group
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return b
	}
	for _, l := range []struct {
		resource  int
		taken, by string
	}{{syscall.RLIMIT_AS, "VmSize:", "ulimit -v"}, {syscall.RLIMIT_DATA, "VmData:", "ulimit -d"}} {
		taken, known := field(status, l.taken) // kilobytes
		if limit, ok := softLimit(l.resource); ok && known {
			b = b.lower(limit-taken<<10, l.by)
		}
	}
	return b
}

// AvailableThreads returns how many threads the process can still start: the least of what the
// system, the control groups and ulimit leave. The threads of the user's other processes are only
// counted where a limit of ulimit -u could matter to a request for this number.
func AvailableThreads(request int) Bound {
	root := os.DirFS("/")
	b := unbounded()
	if limit, ok := number(root, "proc/sys/kernel/threads-max"); ok {
		b = b.lower(limit, "/proc/sys/kernel/threads-max")
	}
	if group := groupBound(root, "the process limit of the control group (pids.max)", pidsV1, pidsV2); group.N < b.N {
		b = group
	}
	// The system exempts root.
	if limit, ok := softLimit(rlimitNPROC); ok && limit < b.N && os.Geteuid() != 0 {
		if limit < int64(request)+plenty {
			limit -= threadsOf(os.Geteuid())
		}
		b = b.lower(limit, "ulimit -u")
	}
	return b
}

// softLimit returns a limit of ulimit; ok is false without one.
func softLimit(resource int) (n int64, ok bool) {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(resource, &l); err != nil || l.Cur > math.MaxInt64 {
		return 0, false
	}
	return int64(l.Cur), true
}

// threadsOf counts the threads of a user's processes.
func threadsOf(user int) (threads int64) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err != nil {
			continue
		}
		status, err := os.ReadFile("/proc/" + e.Name() + "/status")
		if err != nil {
			continue // it has ended
		}
		if owner, ok := field(status, "Uid:"); ok && owner == int64(user) {
			n, _ := field(status, "Threads:")
			threads += n
		}
	}
	return threads
}
