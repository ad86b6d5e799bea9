//go:build invariants

package autograd

import (
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// invariants switches the checks of lifetime and thread on.
const invariants = true

var live atomic.Int64

func countLive(n int64) { live.Add(n) }

// LiveTensors is the number of native handles that have been made and not freed. It counts under the build tag
// invariants only, and is zero otherwise.
func LiveTensors() int64 { return live.Load() }

func threadID() int { return unix.Gettid() }
