package classifier

// best returns the fastest kernels that the processor has.
func best() *kernels { return available()[0] }

// available returns the kernels that the processor has, the fastest first.
func available() []*kernels { return []*kernels{&portable} }
