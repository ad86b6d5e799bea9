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

// invariants enables the checks of lifetimes and goroutines.
const invariants = true

// maxOwned is the maximum number of tensors in a scope. A training step creates hundreds.
const maxOwned = 1 << 16

// watch is the checks' state in a scope.
type watch struct {
	run    *watchedRun
	thread int
	ended  *place // where the scope ended, or nil
}

// watchedRun is the checks' state of one Run. A misuse is recorded here: the scope in which it
// happened may have ended, or be in use by its own goroutine.
type watchedRun struct {
	mutex  sync.Mutex
	misuse error
}

func newWatch() watch { return watch{run: &watchedRun{}, thread: unix.Gettid()} }

func (w watch) child() watch { return watch{run: w.run, thread: w.thread} }

// onThisThread is child for a scope that libtorch opens, possibly on a thread of its own.
func (w watch) onThisThread() watch { return watch{run: w.run, thread: unix.Gettid()} }

// verdict adds a recorded misuse to the error of a Run.
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

// misuse returns what is wrong with an operation's scope and inputs; Run returns the first one.
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
		return errors.New("called from another goroutine than the one that Run pinned; make all calls from that one, and exchange slices")
	}
	if s.watch.ended != nil {
		return fmt.Errorf("the scope has ended at %v; use the scope that the current function was given", *s.watch.ended)
	}
	if len(s.owned) >= maxOwned {
		return fmt.Errorf("the scope holds %d tensors: open a Sub for each step, or Free tensors after use", len(s.owned))
	}
	for i, t := range inputs {
		if t != nil && t.owner.watch.run != s.watch.run {
			return fmt.Errorf("input %d, made at %v, belongs to another Run; copy it with ToSlice there and FromSlice here", i, t.made)
		}
	}
	return nil
}

// history returns where a freed tensor was created and freed.
func (t *Tensor) history() string { return fmt.Sprintf(", made at %v, freed at %v", t.made, t.freed) }

// place is a position in the caller's code, outside this package.
type place struct {
	file string
	line int
}

func (p place) String() string { return fmt.Sprintf("%s:%d", filepath.Base(p.file), p.line) }

// here returns the nearest caller outside this package.
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

// LiveTensors is the number of native handles that have been made and not freed. It counts under
// the build tag invariants only, and is zero otherwise.
func LiveTensors() int64 { return live.Load() }
