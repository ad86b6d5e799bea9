package host

import (
	"math"
	"runtime"
	"testing"
	"testing/fstest"
)

func files(texts map[string]string) fstest.MapFS {
	root := fstest.MapFS{}
	for name, text := range texts {
		root[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return root
}

func TestFreeMemory(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       int64
	}{
		{"available", "MemTotal:  100 kB\nMemFree: 1 kB\nMemAvailable:   40 kB\nSwapFree: 0 kB\n", 40 << 10},
		{"with swap", "MemAvailable: 40 kB\nSwapTotal: 9 kB\nSwapFree: 8 kB\n", 48 << 10},
		{"an old kernel", "MemTotal: 100 kB\n", math.MaxInt64},
		{"empty", "", math.MaxInt64},
	} {
		if got := freeMemory(files(map[string]string{"proc/meminfo": c.text})); got.N != c.want || (got.By == "") != (c.want == math.MaxInt64) {
			t.Errorf("%s: %+v, want %d", c.name, got, c.want)
		}
	}
}

func TestGroupBound(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"no control groups", nil, math.MaxInt64},
		{"v2", map[string]string{"proc/self/cgroup": "0::/job\n", "sys/fs/cgroup/job/memory.max": "1000\n",
			"sys/fs/cgroup/job/memory.current": "300\n"}, 700},
		{"v2, page cache is freed on demand", map[string]string{"proc/self/cgroup": "0::/job\n", "sys/fs/cgroup/job/memory.max": "1000\n",
			"sys/fs/cgroup/job/memory.current": "900\n", "sys/fs/cgroup/job/memory.stat": "anon 100\ninactive_file 800\n"}, 900},
		{"v2, no limit", map[string]string{"proc/self/cgroup": "0::/job\n", "sys/fs/cgroup/job/memory.max": "max\n",
			"sys/fs/cgroup/job/memory.current": "300\n"}, math.MaxInt64},
		{"v2, the limit of a group above", map[string]string{"proc/self/cgroup": "0::/a/b/c\n", "sys/fs/cgroup/a/memory.max": "500\n",
			"sys/fs/cgroup/a/memory.current": "100\n", "sys/fs/cgroup/a/b/c/memory.max": "max\n", "sys/fs/cgroup/a/b/c/memory.current": "9\n"}, 400},
		{"v2 in a container, whose root is the group", map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "500\n",
			"sys/fs/cgroup/memory.current": "600\n"}, 0},
		{"v1 in a container, with the path of the host", map[string]string{"proc/self/cgroup": "9:memory:/docker/ab\n3:cpu,cpuacct:/docker/ab\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "2000", "sys/fs/cgroup/memory/memory.usage_in_bytes": "500",
			"sys/fs/cgroup/memory/memory.stat": "cache 1\ntotal_inactive_file 100\n"}, 1600},
		{"v1, no limit", map[string]string{"proc/self/cgroup": "9:memory:/x\n", "sys/fs/cgroup/memory/x/memory.limit_in_bytes": "9223372036854771712",
			"sys/fs/cgroup/memory/x/memory.usage_in_bytes": "0"}, 9223372036854771712},
		{"damaged", map[string]string{"proc/self/cgroup": "0\n::\n0::/job", "sys/fs/cgroup/job/memory.max": "many"}, math.MaxInt64},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := groupBound(files(c.files), "the group", memoryV1, memoryV2)
			if got.N != c.want || (got.By == "the group") != (c.want != math.MaxInt64) {
				t.Errorf("%+v, want %d", got, c.want)
			}
		})
	}
	pids := files(map[string]string{"proc/self/cgroup": "0::/job\n", "sys/fs/cgroup/job/pids.max": "100\n", "sys/fs/cgroup/job/pids.current": "93\n"})
	if got := groupBound(pids, "pids", pidsV1, pidsV2); got.N != 7 {
		t.Errorf("%+v, want 7 processes", got)
	}
}

// TestAvailable reads the machine that runs the tests, which has memory and threads left.
func TestAvailable(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("known on Linux only")
	}
	if b := AvailableMemory(); b.N < 1<<20 || b.N > 1<<50 || b.By == "" {
		t.Errorf("memory %+v", b)
	}
	if b := AvailableThreads(1); b.N < 4 || b.N == math.MaxInt64 || b.By == "" {
		t.Errorf("threads %+v", b)
	}
}
