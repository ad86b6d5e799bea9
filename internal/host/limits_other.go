//go:build !linux

package host

// AvailableMemory returns the bytes that the process can still allocate. They are not known on this
// system.
func AvailableMemory() Bound { return unbounded() }

// AvailableThreads returns how many threads the process can still start. It is not known on this
// system.
func AvailableThreads(int) Bound { return unbounded() }
