package host

import (
	"math"
	"runtime"
	"strings"
	"testing"
	"time"
)

// procStat is /proc/stat of two processors, each with the given ticks of user, system, idle and steal.
func procStat(a, b [4]string) string {
	line := func(name string, t [4]string) string {
		return name + " " + t[0] + " 0 " + t[1] + " " + t[2] + " 5 0 0 " + t[3] + " 0 0\n"
	}
	return "cpu  900 0 100 5000 10 0 0 40 0 0\n" + line("cpu0", a) + line("cpu1", b) + "intr 12 0\nbtime 1\n"
}

func TestReadUsage(t *testing.T) {
	stat := procStat([4]string{"200", "100", "50", "20"}, [4]string{"1000", "0", "50", "0"})
	for _, c := range []struct {
		name       string
		stat       string
		processors []int
		want       usage
	}{
		{"both", stat, []int{0, 1}, usage{known: true, busy: 13, stolen: 0.2}},
		{"one of the mask", stat, []int{1}, usage{known: true, busy: 10}},
		{"no mask", stat, nil, usage{known: true, busy: 10, stolen: 0.4}},
		{"a container numbers them anew", stat, []int{1, 2}, usage{known: true, busy: 10, stolen: 0.4}},
		{"no file", "", []int{0}, usage{}},
		{"too few columns", "cpu 1 2 3\n", nil, usage{}},
		{"garbage", "cpu a b c d e f g h i\n", nil, usage{}},
	} {
		got := readUsage(files(map[string]string{"proc/stat": c.stat}), c.processors)
		if got.known != c.want.known || math.Abs(got.busy-c.want.busy) > 1e-9 || math.Abs(got.stolen-c.want.stolen) > 1e-9 {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	groups := readUsage(files(map[string]string{"proc/self/cgroup": "1:cpu:/job\n0::/a\n", "proc/self/mountinfo": hybrid,
		"sys/fs/cgroup/cpu,cpuacct/job/cpu.stat": "nr_periods 90\nnr_throttled 30\nthrottled_time 5\n"}), nil).groups
	if len(groups) != 4 || groups[0] != (throttling{90, 30}) || groups[1] != (throttling{}) {
		t.Errorf("control groups %+v", groups)
	}
}

func TestLoadUntil(t *testing.T) {
	before := usage{known: true, busy: 100, stolen: 10, own: 50, groups: []throttling{{100, 10}, {50, 5}}}
	for _, c := range []struct {
		name  string
		after usage
		want  Load
	}{
		{"alone", usage{known: true, busy: 104, stolen: 10, own: 54}, Load{Known: true}},
		{"half of two processors", usage{known: true, busy: 104, stolen: 10, own: 52}, Load{Known: true, Others: 0.5}},
		{"stolen", usage{known: true, busy: 103, stolen: 11, own: 53}, Load{Known: true, Stolen: 0.25}},
		{"ticks below the exact own time", usage{known: true, busy: 103.99, stolen: 10, own: 54}, Load{Known: true}},
		{"unknown", usage{busy: 104, own: 51}, Load{}},
		{"throttled", usage{known: true, busy: 104, stolen: 10, own: 54, groups: []throttling{{120, 14}, {70, 14}}}, Load{Known: true, Periods: 20, Throttled: 9}},
		{"moved to another group", usage{known: true, busy: 104, stolen: 10, own: 54, groups: []throttling{{3, 1}}}, Load{Known: true}},
	} {
		c.want.Processors, c.want.Seconds = 2, 2
		if got := before.until(c.after, 2*time.Second, 2); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestLoadNotes(t *testing.T) {
	const shared = "figures of a shared machine"
	for _, c := range []struct {
		name    string
		load    Load
		threads int
		want    []string
	}{
		{"quiet", Load{Processors: 2, Seconds: 1, Known: true, Others: 0.03, Average: 1.9}, 2, nil},
		{"shared", Load{Processors: 2, Seconds: 1, Known: true, Others: 0.48, Average: 3.2}, 2,
			[]string{"other processes took 48 % of the 2 processors (load average before 3.2): " + shared}},
		{"on processors that are free", Load{Processors: 4, Seconds: 1, Known: true, Others: 0.5, Average: 2}, 2, nil},
		{"on more than those", Load{Processors: 4, Seconds: 1, Known: true, Others: 0.6, Average: 2}, 2,
			[]string{"other processes took 60 % of the 4 processors"}},
		{"more threads than processors", Load{Processors: 2, Seconds: 1, Known: true, Others: 0.1}, 4, []string{"other processes took 10 %"}},
		{"too brief, with a high load average", Load{Processors: 2, Seconds: 0.1, Known: true, Others: 0.5, Average: 3.2}, 2,
			[]string{"load average 3.2 on 2 processors before the measurement: probably " + shared}},
		{"too brief, with a low one", Load{Processors: 2, Seconds: 0.1, Known: true, Others: 0.5, Average: 0.5}, 2, nil},
		{"unknown, with a high load average", Load{Processors: 2, Seconds: 1, Average: 3.2}, 2, []string{"load average 3.2 on 2 processors"}},
		{"stolen", Load{Processors: 2, Seconds: 1, Known: true, Stolen: 0.2}, 2, []string{"the hypervisor gave 20 % of the processors to other virtual machines"}},
		{"throttled", Load{Processors: 2, Seconds: 1, Known: true, Periods: 60, Throttled: 26}, 2,
			[]string{"the CPU quota of the control group stopped threads in 26 of 60 periods"}},
		{"nothing known", Load{}, 1, nil},
	} {
		got := c.load.Notes(c.threads)
		if len(got) != len(c.want) {
			t.Errorf("%s: notes %q, want %q", c.name, got, c.want)
			continue
		}
		for i, want := range c.want {
			if !strings.HasPrefix(got[i], want) {
				t.Errorf("%s: note %q, want %q", c.name, got[i], want)
			}
		}
	}
}

func TestLoadAverage(t *testing.T) {
	for text, want := range map[string]float64{"0.36 0.93 2.64 1/84 11808\n": 0.36, "": 0, "x": 0, "-1 2": 0, "NaN 1": 0, "1e99 1": 0} {
		if got := loadAverage(files(map[string]string{"proc/loadavg": text})); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

// TestWatchLoad reads the machine that runs the test.
func TestWatchLoad(t *testing.T) {
	l := WatchLoad()()
	if l.Processors < 1 || l.Seconds < 0 || !(0 <= l.Others && l.Others <= 1) || l.Known != (runtime.GOOS == "linux") {
		t.Errorf("%+v", l)
	}
}
