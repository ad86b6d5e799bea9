package host

import (
	"testing"
	"time"
)

// FuzzProc: whatever the kernel's files hold, numbers are in their ranges.
func FuzzProc(f *testing.F) {
	f.Add(cpuinfo([2]int{0, 0}, [2]int{0, 1}), "0-1\n", procStat([4]string{"1", "2", "3", "4"}, [4]string{"5", "6", "7", "8"}), "nr_periods 9\nnr_throttled 3\n", "0.5 1 2 1/2 3\n")
	f.Add("processor : 1\ncore id : \xff\n", "3-x,-1", "cpu 18446744073709551615 0 0 0 0 0 0 0 0\n", "nr_throttled -9", "1e400")
	f.Fuzz(func(t *testing.T, cpuinfo, online, stat, throttled, average string) {
		root := files(map[string]string{"proc/cpuinfo": cpuinfo, "sys/devices/system/cpu/online": online, "proc/stat": stat, "proc/loadavg": average,
			"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.stat": throttled})
		if c := findCPUs(root, []int{0, 1}, 2, 2); c.Cores < 1 || c.Cores > 2 || c.Machine < 2 {
			t.Errorf("%+v", c)
		}
		l := usage{known: true}.until(readUsage(root, []int{0, 1}), time.Second, 2)
		if !(0 <= l.Others && l.Others <= 1 && 0 <= l.Stolen && l.Stolen <= 1) || l.Throttled < 0 || !(loadAverage(root) >= 0) {
			t.Errorf("%+v", l)
		}
	})
}
