//go:build !amd64

package classifier

// available returns the kernels for the processor.
func available() []*kernels { return []*kernels{&portable} }
