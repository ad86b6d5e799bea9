package host

import (
	"os"
	"strconv"
	"strings"
)

// ompThreads is the variable with which users set the threads of PyTorch, NumPy and OpenMP.
const ompThreads = "OMP_NUM_THREADS"

// maxThreads is far above what a variable sensibly asks for.
const maxThreads = 1024

// Threads returns the default number of threads that compute: that of OMP_NUM_THREADS, as in PyTorch, otherwise
// [CPUs.Parallel] of this process.
func Threads() int { return threadsOr(os.Getenv(ompThreads), ThisProcess()) }

func threadsOr(variable string, c CPUs) int {
	if n, ok := parseThreads(variable); ok {
		return n
	}
	return c.Parallel()
}

// Workers returns the default number of threads that decode images: [CPUs.Parallel] of this process.
func Workers() int { return ThisProcess().Parallel() }

// GPUWorkers is Workers where a GPU computes: [CPUs.WithGPU] of this process.
func GPUWorkers() int { return ThisProcess().WithGPU() }

// Processors returns the default number of threads of jobs that have the machine to themselves, such as writing shards:
// one for each processor (hardware thread) that the process may use, within quota and GOMAXPROCS.
func Processors() int { return ThisProcess().processors() }

// ThreadsReason says where the default of Threads comes from.
func ThreadsReason() string { return reason(os.Getenv(ompThreads), ThisProcess()) }

func reason(variable string, c CPUs) string {
	if _, ok := parseThreads(variable); ok {
		return ompThreads + "; " + c.String()
	}
	return c.String()
}

// parseThreads reads a value of OMP_NUM_THREADS: a number, or a list with one for each nested level, whose first counts.
// Others are ignored, as in PyTorch; libgomp reports them.
func parseThreads(text string) (int, bool) {
	first, _, _ := strings.Cut(text, ",")
	n, err := strconv.Atoi(strings.TrimSpace(first))
	return n, err == nil && n >= 1 && n <= maxThreads
}
