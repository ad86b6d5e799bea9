package host

import (
	"fmt"
	"io/fs"
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// CPUs are what a process may compute with. Nothing of it is measured: the same machine and the same limits give the same
// numbers, and so the same results.
type CPUs struct {
	Machine   int     // processors (hardware threads) of the machine
	Allowed   int     // of them in the affinity mask, which cpusets restrict too
	Cores     int     // physical cores that the allowed processors belong to
	Quota     float64 // processors' worth of time that control groups grant, such as 1.5; 0: no quota
	Scheduled int     // GOMAXPROCS
	Ranks     int     // processes of one run that divide all this evenly; 0: it is for this process alone
}

// ThisProcess returns what this process may compute with, as found at the first call.
func ThisProcess() CPUs {
	c := findProcess()
	c.Ranks = int(ranks.Load())
	return c
}

var findProcess = sync.OnceValue(func() CPUs {
	return findCPUs(os.DirFS("/"), affinity(), runtime.NumCPU(), runtime.GOMAXPROCS(0))
})

// ranks is the number of processes that [Divide] has set.
var ranks atomic.Int32

// Divide makes this process compute with its part of what [ThisProcess] found: a number of processes, the ranks of a run
// on this machine, use it at the same time. The defaults of all numbers of threads follow. Call it before they are used.
func Divide(processes int) { ranks.Store(int32(min(processes, math.MaxInt32))) }

// findCPUs describes a process with the given affinity mask and GOMAXPROCS. Without a mask all of the processors are allowed.
func findCPUs(root fs.FS, mask []int, processors, scheduled int) CPUs {
	c := CPUs{Allowed: processors, Cores: processors, Quota: cpuQuota(root), Scheduled: scheduled}
	if mask != nil {
		c.Allowed, c.Cores = len(mask), physicalCores(root, mask)
	}
	text, _ := fs.ReadFile(root, "sys/devices/system/cpu/online") // without it the machine is what is allowed
	c.Machine = max(countList(strings.TrimSpace(string(text))), c.Allowed)
	return c
}

// countList counts the members of a list of the kernel such as "0-3,8"; 0 if it is not one.
func countList(text string) int {
	n := 0
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(part, "-")
		if !isRange {
			last = first
		}
		a, errA := strconv.Atoi(first)
		b, errB := strconv.Atoi(last)
		if errA != nil || errB != nil || a < 0 || b < a || b >= 1<<20 {
			return 0
		}
		n += b - a + 1
	}
	return n
}

// Parallel is the number of threads that can compute at the same time, at least 1, and the default of all numbers of
// threads and workers: one for each core, within quota and GOMAXPROCS.
func (c CPUs) Parallel() int {
	return max(1, min(c.part(c.Cores), c.inQuota(), c.Scheduled))
}

// part is the part of one rank.
func (c CPUs) part(n int) int { return n / max(1, c.Ranks) }

// WithGPU is the number of threads that decode images while a GPU computes: one for each processor (hardware thread), less one for the
// thread that drives the GPU. With two processors both decode: that thread mostly waits, and a single decoder would be half as fast.
func (c CPUs) WithGPU() int {
	n := c.processors()
	return max(min(n, 2), n-1)
}

// processors is like Parallel for each hardware thread of the cores.
func (c CPUs) processors() int { return max(1, min(c.part(c.Allowed), c.inQuota(), c.Scheduled)) }

// inQuota rounds the quota to whole threads. Measured on two Zen 5 cores, two threads relative to one, all steps together
// (training step at width 0.5 and 128x128; inference of single images at 224): with a quota of 1.1 processors 0.7 and 0.9 times
// as fast, 1.25 1.0 and 1.1, 1.5 1.2 and 1.3, 1.75 1.3 and 1.5. Below 1.5 the second thread gains nothing and costs latency: when
// the quota of a period is used up all threads stop, and the 99th percentile of an image is 38 ms instead of 4.
func (c CPUs) inQuota() int {
	if c.Quota <= 0 {
		return math.MaxInt
	}
	return max(1, int(math.Round(min(c.Quota, 1<<20)/float64(max(1, c.Ranks)))))
}

// String says what was found, and what of it limits the threads, as "2 physical cores of 4 processors, cgroup quota 1.5".
func (c CPUs) String() string {
	text := counted(c.Cores, "physical core")
	if c.Allowed != c.Cores {
		text += " of " + counted(c.Allowed, "processor")
	}
	if c.Allowed < c.Machine {
		text += fmt.Sprintf(", affinity to %d of %s", c.Allowed, counted(c.Machine, "processor"))
	}
	if c.Quota > 0 {
		text += fmt.Sprintf(", cgroup quota %.3g", c.Quota)
	}
	if c.Ranks > 1 {
		text += fmt.Sprintf(" for %d ranks", c.Ranks)
	}
	if c.Scheduled < min(c.part(c.Cores), c.inQuota()) {
		text += fmt.Sprintf(", GOMAXPROCS %d", c.Scheduled)
	}
	return text
}

// ThreadWarning says what a number of threads exceeds, or is empty. Threads beyond it take turns, and wait for some that do not
// run.
func (c CPUs) ThreadWarning(threads int) string {
	limit := c.exceeded(threads)
	if limit == "" {
		return ""
	}
	who := counted(threads, "thread")
	whole := c
	whole.Ranks = 0
	if n := whole.Parallel(); c.Ranks > n { // fewer threads for each do not help
		return fmt.Sprintf("%d ranks exceed %s: they wait for each other; %s would be as fast", c.Ranks, limit, counted(n, "rank"))
	}
	if c.Ranks > 1 {
		who += fmt.Sprintf(" of each of %d ranks", c.Ranks)
	}
	if c.Ranks > 1 && c.Parallel() >= threads {
		return fmt.Sprintf("%s exceed %s: they wait for each other; fewer ranks would be as fast", who, limit)
	}
	return fmt.Sprintf("%s exceed %s: they wait for each other; %d would be as fast", who, limit, c.Parallel())
}

func (c CPUs) exceeded(threads int) string {
	switch {
	case threads > c.inQuota():
		return fmt.Sprintf("the control group's quota of %.3g processors", c.Quota)
	case threads*max(1, c.Ranks) > c.Allowed && c.Allowed < c.Machine:
		return fmt.Sprintf("the %s of %d that the affinity mask allows", counted(c.Allowed, "processor"), c.Machine)
	case threads*max(1, c.Ranks) > c.Allowed:
		return fmt.Sprintf("the %s of this machine", counted(c.Allowed, "processor"))
	}
	return ""
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
