//go:build invariants

package autograd

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// invariants switches the checks of lifetime and goroutine on.
const invariants = true

// maxOwned is how many tensors a scope may hold. A training step makes hundreds.
const maxOwned = 1 << 16

// watch is what the checks keep in a scope.
type watch struct {
	run    *watchedRun
	thread int
	ended  *place // where, once the scope has ended
}

// watchedRun is what the checks know of one Run. A misuse is kept here: the scope that it happened in may have ended, or
// be in use by the goroutine that it belongs to.
type watchedRun struct {
	mutex  sync.Mutex
	misuse error
}

func newWatch() watch { return watch{run: &watchedRun{}, thread: unix.Gettid()} }

func (w watch) child() watch { return watch{run: w.run, thread: w.thread} }

// onThisThread is child for a scope that libtorch opens, which may be on a thread of its own.
func (w watch) onThisThread() watch { return watch{run: w.run, thread: unix.Gettid()} }

// verdict adds what was misused to the error that a Run ends with.
func (w watch) verdict(err error) error {
	w.run.mutex.Lock()
	defer w.run.mutex.Unlock()
	switch misuse := w.run.misuse; {
	case misuse == nil || errors.Is(err, misuse):
		return err
	case err == nil:
		return misuse
	default:
		return fmt.Errorf("%w; then: %w", misuse, err)
	}
}

func (w *watch) end() {
	at := here()
	w.ended = &at
}

// misuse is what is wrong with an operation's scope and inputs; Run returns the first.
func (s *Scope) misuse(op string, inputs ...*Tensor) error {
	s.watch.run.mutex.Lock()
	defer s.watch.run.mutex.Unlock()
	err := s.findMisuse(inputs)
	if err == nil {
		return nil
	}
	err = fmt.Errorf("autograd: %s at %v: %w", op, here(), err)
	if s.watch.run.misuse == nil {
		s.watch.run.misuse = err
	}
	return err
}

func (s *Scope) findMisuse(inputs []*Tensor) error {
	if unix.Gettid() != s.watch.thread {
		return errors.New("called from another goroutine than the one that Run pinned; let that one make all calls, and exchange slices")
	}
	if s.watch.ended != nil {
		return fmt.Errorf("the scope has ended at %v; use the scope that the function at hand was given", *s.watch.ended)
	}
	if len(s.owned) >= maxOwned {
		return fmt.Errorf("the scope holds %d tensors: give each step a Sub of its own, or Free what is done with", len(s.owned))
	}
	for i, t := range inputs {
		if t != nil && t.owner.watch.run != s.watch.run {
			return fmt.Errorf("input %d, made at %v, belongs to another Run; copy it with ToSlice there and FromSlice here", i, t.made)
		}
	}
	return nil
}

// history tells where a freed tensor comes from.
func (t *Tensor) history() string { return fmt.Sprintf(", made at %v, freed at %v", t.made, t.freed) }

// place is where in the caller's code, outside this package, something happened.
type place struct {
	file string
	line int
}

func (p place) String() string { return fmt.Sprintf("%s:%d", filepath.Base(p.file), p.line) }

// here is the nearest caller outside this package.
func here() place {
	var callers [32]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers[:])])
	for {
		frame, more := frames.Next()
		if !strings.HasPrefix(frame.Function, "depthwise.dev/autograd.") || !more {
			return place{frame.File, frame.Line}
		}
	}
}

var live atomic.Int64

func countLive(n int64) { live.Add(n) }

// LiveTensors is the number of native handles that have been made and not freed. It counts under the build tag
// invariants only, and is zero otherwise.
func LiveTensors() int64 { return live.Load() }
