package host

import (
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"
)

// cpuQuota returns the processors' worth of time that control groups grant to this process, such as 1.5, or 0 without a
// limit: the lowest of its own group and those above it, of cgroups v1 and v2. What cannot be read or understood limits
// nothing. https://docs.kernel.org/scheduler/sched-bwc.html
func cpuQuota(root fs.FS) float64 {
	lowest := math.Inf(1)
	for _, version := range []struct {
		controller string
		quota      func(root fs.FS, folder string) float64
	}{{"cpu", quotaV1}, {"", quotaV2}} {
		for _, folder := range groupFolders(root, version.controller) {
			if q := version.quota(root, folder); q > 0 {
				lowest = min(lowest, q)
			}
		}
	}
	if math.IsInf(lowest, 1) {
		return 0
	}
	return lowest
}

// quotaV1 reads the files of cgroups v1: microseconds in each period, or -1 for no limit.
func quotaV1(root fs.FS, folder string) float64 {
	quota, hasQuota := number(root, path.Join(folder, "cpu.cfs_quota_us"))
	period, hasPeriod := number(root, path.Join(folder, "cpu.cfs_period_us"))
	if !hasQuota || !hasPeriod || quota <= 0 || period <= 0 {
		return 0
	}
	return float64(quota) / float64(period)
}

// quotaV2 reads the file of cgroups v2: "QUOTA PERIOD" in microseconds, or "max PERIOD" for no limit.
func quotaV2(root fs.FS, folder string) float64 {
	text, err := fs.ReadFile(root, path.Join(folder, "cpu.max"))
	if err != nil {
		return 0
	}
	words := strings.Fields(string(text))
	if len(words) != 2 {
		return 0
	}
	quota, errQuota := strconv.ParseInt(words[0], 10, 64)
	period, errPeriod := strconv.ParseInt(words[1], 10, 64)
	if errQuota != nil || errPeriod != nil || quota <= 0 || period <= 0 {
		return 0
	}
	return float64(quota) / float64(period)
}
