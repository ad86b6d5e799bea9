// Package capacity refuses what the machine cannot hold, before Go or the system would end the
// process: batches and processes beyond the memory, and threads beyond the limits.
package capacity

import (
	"cmp"
	"fmt"

	"depthwise.dev/internal/host"
)

// Need is an estimate of the memory of a computation, in bytes. It should be a lower bound, so that
// nothing is refused that would fit.
type Need struct {
	What     string  // the computation, as "training"
	Images   int     // in a batch
	Height   int     // of an image
	Width    int     // of an image
	Fixed    float64 // with a batch of any size
	PerImage float64 // for each image of a batch
	Likely   float64 // likely value of PerImage, by which the error suggests a batch size; 0: PerImage
}

// Check returns an error that says what is needed, what there is, and which batch size fits.
func (n Need) Check() error { return n.Within(host.AvailableMemory()) }

// Fits reports whether the need fits into memory although it is a lower bound.
func (n Need) Fits() bool { return n.fitsInto(host.AvailableMemory()) }

func (n Need) fitsInto(available host.Bound) bool {
	return n.Fixed+float64(n.Images)*n.PerImage <= margin*float64(available.N)
}

// margin is the fraction of the available memory that a suggested batch size fills, since the
// estimate is a lower bound.
const margin = 0.7

// Within is Check against a given memory, such as that of a GPU.
func (n Need) Within(available host.Bound) error {
	need, have := n.Fixed+float64(n.Images)*n.PerImage, float64(available.N)
	if need <= have {
		return nil
	}
	if available.By == "" {
		available.By = "the address space of a process"
	}
	text := fmt.Sprintf("%s with batches of %d images of %dx%d needs at least %s of memory, but %s are available (%s)",
		n.What, n.Images, n.Height, n.Width, host.Size(need), host.Size(have), available.By)
	if fits := (margin*have - n.Fixed) / cmp.Or(n.Likely, n.PerImage); fits >= 1 && fits < float64(n.Images) {
		return fmt.Errorf("%s: --batch-size %d fits", text, int(fits))
	}
	return fmt.Errorf("%s: no batch size fits; use a smaller --resolution or --width, or free memory", text)
}

// others is the number of threads that run beside those that a flag asks for: Go's own, and those of
// libtorch that wait.
const others = 8

// Threads returns an error if the process cannot start the threads that a flag asks for, each of
// which takes a number of threads of the system. libgomp and Go end the process when the system
// refuses one.
func Threads(flag string, n, each int) error {
	return threadsWithin(flag, n, each, host.AvailableThreads(n*each+others))
}

func threadsWithin(flag string, n, each int, available host.Bound) error {
	if int64(n*each+others) <= available.N {
		return nil
	}
	text := fmt.Sprintf("%s %d needs %d threads, but %d can be started (%s)", flag, n, n*each+others, available.N, available.By)
	if fits := (available.N - others) / int64(each); fits >= 1 {
		return fmt.Errorf("%s: %s %d fits", text, flag, fits)
	}
	return fmt.Errorf("%s: raise the limit", text)
}

// processMemory is a lower bound of the memory of a process that trains, in bytes: that of MobileNet v1 at width 0.25 with 8 images
// of 32x32 takes 85 MB beside what it shares with others.
const processMemory = 64 << 20

// Processes returns an error if the processes that a flag asks for do not fit into memory: the system would end some of them, or others.
func Processes(flag string, n int) error { return processesWithin(flag, n, host.AvailableMemory()) }

func processesWithin(flag string, n int, available host.Bound) error {
	fit := available.N / processMemory
	if int64(n) <= fit {
		return nil
	}
	by := cmp.Or(available.By, "the address space of a process")
	return fmt.Errorf("%s %d: so many processes need at least %s of memory, but %s are available (%s): at most %d can start",
		flag, n, host.Size(float64(n)*processMemory), host.Size(float64(available.N)), by, fit)
}
