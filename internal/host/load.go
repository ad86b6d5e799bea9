package host

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Load is what others took of this process's processors during a measurement.
type Load struct {
	Processors int     `json:"processors"`   // those that the process may use
	Seconds    float64 `json:"seconds"`      // the duration
	Known      bool    `json:"known"`        // whether the system reports the following
	Others     float64 `json:"others"`       // fraction of the processors' time that other processes took
	Stolen     float64 `json:"stolen"`       // fraction that the hypervisor gave to other virtual machines
	Average    float64 `json:"load_average"` // of the minute before
	Periods    int64   `json:"quota_periods,omitempty"`
	Throttled  int64   `json:"throttled_periods,omitempty"` // in which the CPU quota of a control group stopped threads
}

// WatchLoad begins a measurement. The function that it returns ends it.
func WatchLoad() (end func() Load) {
	root, processors := os.DirFS("/"), affinity()
	average := loadAverage(root)
	before, start := readUsage(root, processors), time.Now()
	before.own = OwnTime()
	return func() Load {
		after := readUsage(root, processors)
		after.own = OwnTime()
		l := before.until(after, time.Since(start), ThisProcess().Allowed)
		l.Average = average
		return l
	}
}

// usage is what was used of the processors since the system started, in seconds, and of the quota.
type usage struct {
	known        bool
	busy, stolen float64
	own          float64 // of this process
	groups       []throttling
}

// throttling is what cpu.stat of a control group counts.
type throttling struct{ periods, throttled int64 }

// until computes the load between two readings.
func (u usage) until(after usage, took time.Duration, processors int) Load {
	l := Load{Processors: processors, Seconds: took.Seconds(), Known: u.known && after.known}
	if all := l.Seconds * float64(processors); l.Known && all > 0 {
		fraction := func(seconds float64) float64 { return min(max(seconds/all, 0), 1) }
		l.Others = fraction(after.busy - u.busy - (after.own - u.own))
		l.Stolen = fraction(after.stolen - u.stolen)
	}
	for i := range min(len(u.groups), len(after.groups)) {
		was, is := u.groups[i], after.groups[i]
		if n := is.throttled - was.throttled; n > l.Throttled {
			l.Throttled, l.Periods = n, is.periods-was.periods
		}
	}
	return l
}

// userHZ is the number of ticks of /proc/stat in a second: 100 on all processors that Go supports.
const userHZ = 100

// readUsage reads /proc/stat for the given processors, or for all if they are nil or renumbered by a container, and cpu.stat
// of the process's control groups.
func readUsage(root fs.FS, processors []int) usage {
	text, err := fs.ReadFile(root, "proc/stat")
	lines := map[string][]string{}
	if err == nil {
		for line := range strings.Lines(string(text)) {
			if words := strings.Fields(line); len(words) > 8 && strings.HasPrefix(words[0], "cpu") {
				lines[words[0]] = words[1:]
			}
		}
	}
	names := []string{}
	for _, p := range processors {
		names = append(names, fmt.Sprintf("cpu%d", p))
	}
	if len(names) == 0 || slices.ContainsFunc(names, func(name string) bool { return lines[name] == nil }) {
		names = []string{"cpu"}
	}
	u := usage{known: true}
	for _, name := range names {
		busy, stolen, ok := ticks(lines[name])
		u.known = u.known && ok
		u.busy, u.stolen = u.busy+busy/userHZ, u.stolen+stolen/userHZ
	}
	for _, controller := range []string{"cpu", ""} {
		for _, folder := range groupFolders(root, controller) {
			stat, _ := fs.ReadFile(root, path.Join(folder, "cpu.stat")) // without it both are 0
			periods, _ := field(stat, "nr_periods")
			throttled, _ := field(stat, "nr_throttled")
			u.groups = append(u.groups, throttling{periods, throttled})
		}
	}
	return u
}

// ticks sums the columns of a line of /proc/stat: user nice system idle iowait irq softirq steal. The guests' that follow are
// in user and nice. https://man7.org/linux/man-pages/man5/proc_stat.5.html
func ticks(columns []string) (busy, stolen float64, ok bool) {
	if len(columns) < 8 {
		return 0, 0, false
	}
	for i, text := range columns[:8] {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return 0, 0, false
		}
		switch i {
		case 3, 4: // idle, iowait
		case 7:
			stolen = float64(n)
		default:
			busy += float64(n)
		}
	}
	return busy, stolen, true
}

// OwnTime is the processors' time of this process in seconds.
func OwnTime() float64 {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return float64(r.Utime.Nano()+r.Stime.Nano()) * 1e-9
}

// loadAverage is the number of threads that ran or waited to run, on average over the last minute; 0 if unknown.
func loadAverage(root fs.FS) float64 {
	text, _ := fs.ReadFile(root, "proc/loadavg")
	first, _, _ := strings.Cut(string(text), " ")
	v, err := strconv.ParseFloat(first, 64)
	if err != nil || !(v >= 0) || v > 1e9 {
		return 0
	}
	return v
}

// Tolerances of Notes.
const (
	// disturbed is the fraction of the processors' time below which others do not matter: background services take 1 to 3 %
	// of two cores, and a tick of 10 ms more or less is 0.5 % of a second on two.
	disturbed = 0.05
	// brief is the duration in seconds below which ticks of 10 ms say too little.
	brief = 0.2
)

// Notes says what disturbed a measurement with a number of threads, a line each. Others on processors that the threads left
// free do not.
func (l Load) Notes(threads int) []string {
	var notes []string
	free := 0.0
	if l.Processors > 0 {
		free = max(0, float64(l.Processors-threads)/float64(l.Processors))
	}
	cores := counted(l.Processors, "processor")
	switch {
	case l.Known && l.Seconds >= brief && l.Others > free+disturbed:
		notes = append(notes, fmt.Sprintf("other processes took %.0f %% of the %s (load average before %.1f): figures of a shared machine", 100*l.Others, cores, l.Average))
	case !(l.Known && l.Seconds >= brief) && l.Average > max(float64(l.Processors-threads), 0)+1:
		notes = append(notes, fmt.Sprintf("load average %.1f on %s before the measurement: probably figures of a shared machine", l.Average, cores))
	}
	if l.Known && l.Seconds >= brief && l.Stolen > disturbed {
		notes = append(notes, fmt.Sprintf("the hypervisor gave %.0f %% of the processors to other virtual machines", 100*l.Stolen))
	}
	if l.Throttled > 0 {
		notes = append(notes, fmt.Sprintf("the CPU quota of the control group stopped threads in %d of %d periods", l.Throttled, l.Periods))
	}
	return notes
}
