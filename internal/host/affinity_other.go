//go:build !linux

package host

// affinity is not known on this system.
func affinity() []int { return nil }

// ProcessorsOf is not known on this system.
func ProcessorsOf(int) int { return 0 }
