package host

import (
	"maps"
	"testing"
)

// mountinfo of a machine with cgroups v1 for the controllers and v2 beside them, as systemd calls hybrid.
const hybrid = `23 1 8:1 / / rw,relatime - ext4 /dev/vda rw
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime shared:10 - cgroup cgroup rw,cpuset
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime shared:11 - cgroup2 cgroup2 rw
`

// mountinfo of a machine with cgroups v2 alone.
const unified = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"

func TestCPUQuota(t *testing.T) {
	const v1, v2 = "sys/fs/cgroup/cpu,cpuacct", "sys/fs/cgroup"
	for _, c := range []struct {
		name, mounts, groups string
		limits               map[string]string
		want                 float64
	}{
		{name: "no control groups"},
		{"v1", hybrid, "4:cpu,cpuacct:/job\n0::/job\n",
			map[string]string{v1 + "/job/cpu.cfs_quota_us": "150000\n", v1 + "/job/cpu.cfs_period_us": "100000\n"}, 1.5},
		{"v1, another period", hybrid, "4:cpu,cpuacct:/job\n",
			map[string]string{v1 + "/job/cpu.cfs_quota_us": "50000\n", v1 + "/job/cpu.cfs_period_us": "20000\n"}, 2.5},
		{"v1, no limit", hybrid, "4:cpu,cpuacct:/job\n",
			map[string]string{v1 + "/job/cpu.cfs_quota_us": "-1\n", v1 + "/job/cpu.cfs_period_us": "100000\n"}, 0},
		{"v1, the group above limits", hybrid, "4:cpu,cpuacct:/pod/job\n", map[string]string{
			v1 + "/pod/job/cpu.cfs_quota_us": "400000", v1 + "/pod/job/cpu.cfs_period_us": "100000",
			v1 + "/pod/cpu.cfs_quota_us": "200000", v1 + "/pod/cpu.cfs_period_us": "100000"}, 2},
		{"v1 in a container: the path is that of the host, the group is mounted",
			"32 31 0:29 /docker/ab /sys/fs/cgroup/cpu,cpuacct ro master:9 - cgroup cgroup rw,cpu,cpuacct\n", "4:cpu,cpuacct:/docker/ab\n",
			map[string]string{v1 + "/cpu.cfs_quota_us": "150000", v1 + "/cpu.cfs_period_us": "100000"}, 1.5},
		{"v1 in a container in a container", "32 31 0:29 /docker/ab /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n",
			"4:cpu,cpuacct:/docker/ab/docker/cd\n", map[string]string{
				v1 + "/docker/cd/cpu.cfs_quota_us": "300000", v1 + "/docker/cd/cpu.cfs_period_us": "100000",
				v1 + "/cpu.cfs_quota_us": "250000", v1 + "/cpu.cfs_period_us": "100000"}, 2.5},
		{"v1 in a container whose mount shows the host's path from the root", hybrid, "4:cpu,cpuacct:/docker/ab\n",
			map[string]string{v1 + "/cpu.cfs_quota_us": "150000", v1 + "/cpu.cfs_period_us": "100000"}, 1.5},
		{"v1 mounted elsewhere, with a space in its name", "32 31 0:29 / /mnt/c\\040g rw - cgroup none rw,cpu\n", "1:cpu:/job\n",
			map[string]string{"mnt/c g/job/cpu.cfs_quota_us": "150000", "mnt/c g/job/cpu.cfs_period_us": "100000"}, 1.5},
		{"v1 without mountinfo", "", "1:cpu:/job\n",
			map[string]string{"sys/fs/cgroup/cpu/job/cpu.cfs_quota_us": "150000", "sys/fs/cgroup/cpu/job/cpu.cfs_period_us": "100000"}, 1.5},
		{"v2", unified, "0::/job\n", map[string]string{v2 + "/job/cpu.max": "150000 100000\n"}, 1.5},
		{"v2, no limit", unified, "0::/job\n", map[string]string{v2 + "/job/cpu.max": "max 100000\n"}, 0},
		{"v2, each group above counts", unified, "0::/a/b/c\n", map[string]string{
			v2 + "/a/b/c/cpu.max": "max 100000\n", v2 + "/a/b/cpu.max": "350000 100000\n", v2 + "/a/cpu.max": "250000 100000\n"}, 2.5},
		{"v2, a private namespace: the root is the container's group", unified, "0::/\n", map[string]string{v2 + "/cpu.max": "75000 50000\n"}, 1.5},
		{"v2, a group outside the namespace", unified, "0::/../other\n",
			map[string]string{v2 + "/cpu.max": "150000 100000\n", v2 + "/other/cpu.max": "100000 100000\n"}, 1.5},
		{"v2, mounted by the host", "30 23 0:26 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/\n",
			map[string]string{v2 + "/cpu.max": "150000 100000\n"}, 1.5},
		{"v2, the mount of another group beside", "29 23 0:26 /other /mnt rw - cgroup2 cgroup2 rw\n" + unified, "0::/job\n",
			map[string]string{"mnt/cpu.max": "100000 100000\n", v2 + "/job/cpu.max": "250000 100000\n"}, 2.5},
		{"v2 without mountinfo", "", "0::/job\n", map[string]string{v2 + "/job/cpu.max": "150000 100000\n"}, 1.5},
		{"hybrid: the limits are in v1", hybrid, "4:cpu,cpuacct:/\n0::/job\n", map[string]string{
			v1 + "/cpu.cfs_quota_us": "150000", v1 + "/cpu.cfs_period_us": "100000", "sys/fs/cgroup/unified/job/cgroup.procs": "1\n"}, 1.5},
		{"a name with a colon", unified, "0::/a:b\n", map[string]string{v2 + "/a:b/cpu.max": "150000 100000\n"}, 1.5},
		{"a name that begins alike", "30 23 0:26 /job /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", "0::/jobs\n",
			map[string]string{v2 + "/s/cpu.max": "100000 100000\n"}, 0},
		{"v1, nothing can be read", hybrid, "4:cpu,cpuacct:/job\n", nil, 0},
		{"v1, no period", hybrid, "4:cpu,cpuacct:/job\n", map[string]string{v1 + "/job/cpu.cfs_quota_us": "150000"}, 0},
		{"v1, a period of 0", hybrid, "4:cpu,cpuacct:/job\n",
			map[string]string{v1 + "/job/cpu.cfs_quota_us": "150000", v1 + "/job/cpu.cfs_period_us": "0"}, 0},
		{"v2, one number", unified, "0::/job\n", map[string]string{v2 + "/job/cpu.max": "150000\n"}, 0},
		{"v2, words", unified, "0::/job\n", map[string]string{v2 + "/job/cpu.max": "much more\n"}, 0},
		{"v2, a negative quota", unified, "0::/job\n", map[string]string{v2 + "/job/cpu.max": "-5 100000\n"}, 0},
		{"v2, beyond 64 bits", unified, "0::/job\n", map[string]string{v2 + "/job/cpu.max": "99999999999999999999 100000\n"}, 0},
		{"damaged lists", "garbage\n1 2 3 - cgroup2\n - \n", "0\n::\n:::\n0::/job", map[string]string{v2 + "/job/cpu.max": "150000 100000\n"}, 1.5},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := map[string]string{"proc/self/cgroup": c.groups, "proc/self/mountinfo": c.mounts}
			if c.mounts == "" {
				delete(all, "proc/self/mountinfo")
			}
			maps.Copy(all, c.limits)
			if got := cpuQuota(files(all)); got != c.want {
				t.Errorf("a quota of %v, want %v", got, c.want)
			}
		})
	}
}

// FuzzCPUQuota: whatever the files hold, the quota is a positive number or none.
func FuzzCPUQuota(f *testing.F) {
	f.Add(hybrid, "4:cpu,cpuacct:/job\n0::/a\n", "150000", "150000 100000")
	f.Add("30 23 0:26 /../.. /sys/\\040 rw - cgroup2 cgroup2 rw\n", "0::/../..\n", "-1", "max 100000")
	f.Fuzz(func(t *testing.T, mounts, groups, v1, v2 string) {
		root := files(map[string]string{"proc/self/mountinfo": mounts, "proc/self/cgroup": groups, "sys/fs/cgroup/cpu.max": v2,
			"sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us": v1, "sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us": "100000"})
		if q := cpuQuota(root); !(q >= 0) || q > 1e19 {
			t.Errorf("a quota of %v", q)
		}
		c := findCPUs(root, []int{0, 1}, 2, 2)
		if n := c.Parallel(); n < 1 || n > 2 {
			t.Errorf("%d threads on 2 processors: %v", n, c)
		}
	})
}
