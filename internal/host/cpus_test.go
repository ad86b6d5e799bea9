package host

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// cpuinfo is the text of /proc/cpuinfo for processors with the given sockets and cores.
func cpuinfo(places ...[2]int) string {
	var b strings.Builder
	for i, p := range places {
		fmt.Fprintf(&b, "processor\t: %d\nmodel name\t: any\nphysical id\t: %d\ncore id\t\t: %d\nflags\t\t: a b\n\n", i, p[0], p[1])
	}
	return b.String()
}

// siblings are the files of sysfs that list the processors of each one's core.
func siblings(lists ...string) map[string]string {
	all := map[string]string{}
	for i, list := range lists {
		all[fmt.Sprintf("sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", i)] = list + "\n"
	}
	return all
}

func TestPhysicalCores(t *testing.T) {
	twoThreads := cpuinfo([2]int{0, 0}, [2]int{0, 1}, [2]int{0, 0}, [2]int{0, 1})
	twoSockets := cpuinfo([2]int{0, 0}, [2]int{0, 1}, [2]int{0, 2}, [2]int{0, 3}, [2]int{1, 0}, [2]int{1, 1}, [2]int{1, 2}, [2]int{1, 3})
	for _, c := range []struct {
		name, cpuinfo string
		siblings      []string
		mask          []int
		want          int
	}{
		{"all of two threads a core", twoThreads, nil, []int{0, 1, 2, 3}, 2},
		{"both threads of a core", twoThreads, nil, []int{1, 3}, 1},
		{"a thread of each core", twoThreads, nil, []int{0, 3}, 2},
		{"one thread", twoThreads, nil, []int{2}, 1},
		{"the same core number of two sockets", twoSockets, nil, []int{0, 4}, 2},
		{"both threads of a core by sysfs", "", []string{"0,2", "1,3", "0,2", "1,3"}, []int{1, 3}, 1},
		{"processors 0 and 4 by sysfs", "", []string{"0-1", "0-1", "2-3", "2-3", "4-5", "4-5"}, []int{0, 4}, 2},
		{"a container that numbers the processors of cpuinfo anew", cpuinfo([2]int{0, 0}), []string{"0", "1", "2", "3"}, []int{2, 3}, 2},
		{"sysfs lacks a processor", twoThreads, []string{"0,2"}, []int{0, 1, 2}, 2},
		{"arm64 without sysfs", "processor\t: 0\nBogoMIPS\t: 50\n\nprocessor\t: 1\nBogoMIPS\t: 50\n", nil, []int{0, 1}, 2},
		{"nothing is known", "", nil, []int{0, 1, 2}, 3},
		{"garbage", "processor\t: x\ncore id : 1\n\x00", nil, []int{0}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := siblings(c.siblings...)
			all["proc/cpuinfo"] = c.cpuinfo
			if got := physicalCores(files(all), c.mask); got != c.want {
				t.Errorf("%d cores, want %d", got, c.want)
			}
		})
	}
}

// TestParallel: the number of threads follows from cores, quota and GOMAXPROCS, and the text says from which.
func TestParallel(t *testing.T) {
	for _, c := range []struct {
		name string
		cpus CPUs
		want int
		text string
	}{
		{"all cores", CPUs{2, 2, 2, 0, 2, 0}, 2, "2 physical cores"},
		{"two threads a core", CPUs{4, 4, 2, 0, 4, 0}, 2, "2 physical cores of 4 processors"},
		{"half of the machine", CPUs{8, 4, 2, 0, 4, 0}, 2, "2 physical cores of 4 processors, affinity to 4 of 8 processors"},
		{"one processor", CPUs{2, 1, 1, 0, 1, 0}, 1, "1 physical core, affinity to 1 of 2 processors"},
		{"quota 1.5", CPUs{4, 4, 2, 1.5, 2, 0}, 2, "2 physical cores of 4 processors, cgroup quota 1.5"},
		{"quota 1.49", CPUs{2, 2, 2, 1.49, 2, 0}, 1, "2 physical cores, cgroup quota 1.49"},
		{"quota 2.5", CPUs{64, 64, 32, 2.5, 3, 0}, 3, "32 physical cores of 64 processors, cgroup quota 2.5"},
		{"a tenth of a processor", CPUs{2, 2, 2, 0.1, 2, 0}, 1, "2 physical cores, cgroup quota 0.1"},
		{"a quota above the cores", CPUs{2, 2, 2, 100, 2, 0}, 2, "2 physical cores, cgroup quota 100"},
		{"a huge quota", CPUs{2, 2, 2, 1e18, 2, 0}, 2, "2 physical cores, cgroup quota 1e+18"},
		{"GOMAXPROCS", CPUs{8, 8, 8, 0, 3, 0}, 3, "8 physical cores, GOMAXPROCS 3"},
		{"nothing known", CPUs{}, 1, "0 physical cores"},
		{"half of the cores", CPUs{8, 8, 4, 0, 8, 2}, 2, "4 physical cores of 8 processors for 2 ranks"},
		{"more ranks than cores", CPUs{2, 2, 2, 0, 2, 3}, 1, "2 physical cores for 3 ranks"},
		{"a quota for two", CPUs{8, 8, 8, 5, 8, 2}, 3, "8 physical cores, cgroup quota 5 for 2 ranks"}, // rounded from 2.5
		{"a quota above each one's cores", CPUs{8, 8, 8, 15, 8, 2}, 4, "8 physical cores, cgroup quota 15 for 2 ranks"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.cpus.Parallel(); got != c.want {
				t.Errorf("%d threads, want %d", got, c.want)
			}
			if got := c.cpus.String(); got != c.text {
				t.Errorf("text  %q\nwant %q", got, c.text)
			}
		})
	}
}

func TestProcessors(t *testing.T) {
	for _, c := range []struct {
		cpus CPUs
		want int
	}{{CPUs{4, 4, 2, 0, 4, 0}, 4}, {CPUs{4, 4, 2, 2.5, 4, 0}, 3}, {CPUs{4, 4, 2, 0, 1, 0}, 1}, {CPUs{}, 1}, {CPUs{8, 8, 4, 0, 8, 2}, 4}, {CPUs{2, 2, 2, 0, 2, 4}, 1}} {
		if got := c.cpus.processors(); got != c.want {
			t.Errorf("%+v: %d, want %d", c.cpus, got, c.want)
		}
	}
}

// TestDivide: from then on the numbers are those of a part.
func TestDivide(t *testing.T) {
	defer Divide(0)
	Divide(1 << 20)
	if n := ThisProcess().Parallel(); n != 1 {
		t.Errorf("%d threads of a millionth, want 1", n)
	}
	Divide(1)
	if n, want := ThisProcess().Parallel(), findProcess().Parallel(); n != want {
		t.Errorf("%d threads of the whole, want %d", n, want)
	}
}

// TestWithGPU: all processors but one decode, and both of two.
func TestWithGPU(t *testing.T) {
	for _, c := range []struct {
		name string
		cpus CPUs
		want int
	}{
		{"16 cores", CPUs{16, 16, 16, 0, 16, 0}, 15},
		{"two threads a core", CPUs{32, 32, 16, 0, 32, 0}, 31},
		{"a quota", CPUs{64, 64, 32, 8, 64, 0}, 7},
		{"affinity to 4", CPUs{16, 4, 4, 0, 4, 0}, 3},
		{"three", CPUs{3, 3, 3, 0, 3, 0}, 2},
		{"two", CPUs{2, 2, 2, 0, 2, 0}, 2},
		{"one", CPUs{2, 1, 1, 0, 1, 0}, 1},
		{"nothing known", CPUs{}, 1},
		{"8 ranks of 64 processors", CPUs{64, 64, 64, 0, 64, 8}, 7},
	} {
		if got := c.cpus.WithGPU(); got != c.want {
			t.Errorf("%s: %d workers, want %d", c.name, got, c.want)
		}
	}
}

func TestThreadWarning(t *testing.T) {
	for _, c := range []struct {
		name    string
		cpus    CPUs
		threads int
		want    string
	}{
		{"a thread for each core", CPUs{4, 4, 2, 0, 4, 0}, 2, ""},
		{"a thread for each processor", CPUs{4, 4, 2, 0, 4, 0}, 4, ""},
		{"more than processors", CPUs{4, 4, 2, 0, 4, 0}, 5, "5 threads exceed the 4 processors of this machine: they wait for each other; 2 would be as fast"},
		{"more than the mask allows", CPUs{4, 1, 1, 0, 1, 0}, 2,
			"2 threads exceed the 1 processor of 4 that the affinity mask allows: they wait for each other; 1 would be as fast"},
		{"a part of the processors", CPUs{4, 4, 4, 0, 4, 2}, 2, ""},
		{"more than a part of the processors", CPUs{4, 4, 4, 0, 4, 2}, 3, "3 threads of each of 2 ranks exceed the 4 processors of this machine: they wait for each other; 2 would be as fast"},
		{"more than a part of the quota", CPUs{8, 8, 8, 4, 8, 2}, 3, "3 threads of each of 2 ranks exceed the control group's quota of 4 processors: they wait for each other; 2 would be as fast"},
		{"more ranks than processors", CPUs{4, 4, 2, 0, 4, 5}, 1, "5 ranks exceed the 4 processors of this machine: they wait for each other; 2 ranks would be as fast"},
		{"several ranks on one processor", CPUs{4, 1, 1, 0, 1, 2}, 1, "2 ranks exceed the 1 processor of 4 that the affinity mask allows: they wait for each other; 1 rank would be as fast"},
		{"a rank for each processor", CPUs{4, 4, 2, 0, 4, 4}, 1, ""},
		{"within the quota", CPUs{4, 4, 4, 1.5, 2, 0}, 2, ""},
		{"more than the quota", CPUs{4, 4, 4, 1.5, 2, 0}, 3, "3 threads exceed the control group's quota of 1.5 processors: they wait for each other; 2 would be as fast"},
	} {
		got := c.cpus.ThreadWarning(c.threads)
		if (got == "") != (c.want == "") || !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestFindCPUs(t *testing.T) {
	machine := siblings("0-1", "0-1", "2-3", "2-3")
	machine["sys/devices/system/cpu/online"] = "0-3\n"
	limited := maps.Clone(machine)
	limited["proc/self/cgroup"], limited["sys/fs/cgroup/cpu.max"] = "0::/\n", "150000 100000\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		mask  []int
		want  CPUs
	}{
		{"whole machine", machine, []int{0, 1, 2, 3}, CPUs{4, 4, 2, 0, 4, 0}},
		{"a core", machine, []int{2, 3}, CPUs{4, 2, 1, 0, 4, 0}},
		{"a quota", limited, []int{0, 1, 2, 3}, CPUs{4, 4, 2, 1.5, 4, 0}},
		{"no mask", machine, nil, CPUs{4, 4, 4, 0, 4, 0}},
		{"no files", nil, []int{0, 2}, CPUs{2, 2, 2, 0, 4, 0}},
		{"a damaged list", map[string]string{"sys/devices/system/cpu/online": "3-x,-1\n"}, []int{0}, CPUs{1, 1, 1, 0, 4, 0}},
	} {
		if got := findCPUs(files(c.files), c.mask, 4, 4); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestCountList(t *testing.T) {
	for text, want := range map[string]int{"0": 1, "0-3": 4, "0-3,8,10-11": 7, "": 0, "a": 0, "3-1": 0, "0-": 0, "-1": 0, "0-99999999999": 0} {
		if got := countList(text); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func TestThreads(t *testing.T) {
	cpus := CPUs{4, 4, 2, 0, 4, 0}
	for _, c := range []struct {
		variable string
		want     int
		text     string
	}{
		{"", 2, "2 physical cores of 4 processors"},
		{"1", 1, "OMP_NUM_THREADS; 2 physical cores of 4 processors"},
		{" 6 ", 6, "OMP_NUM_THREADS; 2 physical cores of 4 processors"},
		{"3,2", 3, "OMP_NUM_THREADS; 2 physical cores of 4 processors"},
		{"0", 2, "2 physical cores of 4 processors"},
		{"-1", 2, "2 physical cores of 4 processors"},
		{"all", 2, "2 physical cores of 4 processors"},
		{"100000", 2, "2 physical cores of 4 processors"},
	} {
		if got, text := threadsOr(c.variable, cpus), reason(c.variable, cpus); got != c.want || text != c.text {
			t.Errorf("%s=%q: %d threads, %q; want %d, %q", ompThreads, c.variable, got, text, c.want, c.text)
		}
	}
}

// TestAffinity: a process that taskset restricts to a processor finds one.
func TestAffinity(t *testing.T) {
	const variable = "DEPTHWISE_TEST_AFFINITY"
	if os.Getenv(variable) != "" {
		if c := ThisProcess(); c.Allowed != 1 || c.Cores != 1 || c.Parallel() != 1 {
			t.Errorf("%+v with one processor", c)
		}
		return
	}
	mask := affinity()
	taskset, err := exec.LookPath("taskset")
	if runtime.GOOS != "linux" || err != nil || mask == nil {
		t.Skip("needs Linux with taskset")
	}
	if c := ThisProcess(); c.Allowed != len(mask) || c.Allowed > c.Machine || c.Cores > c.Allowed {
		t.Errorf("%+v with the mask %v", c, mask)
	}
	cmd := exec.Command(taskset, "-c", fmt.Sprint(mask[len(mask)-1]), os.Args[0], "-test.run", "^TestAffinity$")
	cmd.Env = append(os.Environ(), variable+"=1")
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}
