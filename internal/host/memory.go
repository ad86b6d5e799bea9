package host

import (
	"runtime"
	"syscall"
)

// PeakRSS returns the peak resident set size of the process in megabytes, or 0 where it is unknown.
func PeakRSS() int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return u.Maxrss >> 20 // bytes there
	}
	return u.Maxrss >> 10 // kilobytes
}
