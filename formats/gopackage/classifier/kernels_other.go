//go:build !amd64

package classifier

// best returns the fastest kernels for the processor.
func best() *kernels { return &portable }

// available returns the kernels for the processor.
func available() []*kernels { return []*kernels{&portable} }
