package host

import (
	"math/bits"
	"syscall"
	"unsafe"
)

// maxProcessors is more than a kernel can be built for (CONFIG_NR_CPUS is at most 8192).
const maxProcessors = 1 << 16

// affinity returns the numbers of the processors that this process may run on, in order: the mask of taskset, of cpusets
// and of containers' --cpuset-cpus. It is nil if the system does not say.
func affinity() []int { return affinityOf(0) }

// ProcessorsOf returns the number of processors that a process may run on; 0 if the system does not say.
func ProcessorsOf(pid int) int { return len(affinityOf(pid)) }

// affinityOf is affinity of a process; 0 is this one.
func affinityOf(pid int) []int {
	var mask [maxProcessors / bits.UintSize]uint
	size, _, errno := syscall.RawSyscall(syscall.SYS_SCHED_GETAFFINITY, uintptr(pid), unsafe.Sizeof(mask), uintptr(unsafe.Pointer(&mask)))
	if errno != 0 {
		return nil
	}
	var list []int
	for i, word := range mask[:size/unsafe.Sizeof(mask[0])] {
		for ; word != 0; word &= word - 1 {
			list = append(list, i*bits.UintSize+bits.TrailingZeros(word))
		}
	}
	return list
}
