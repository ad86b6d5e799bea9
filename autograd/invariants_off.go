//go:build !invariants

package autograd

// invariants switches the checks of lifetime and thread on.
const invariants = false

func countLive(int64) {}

// LiveTensors is the number of native handles that have been made and not freed. It counts under the build tag
// invariants only, and is zero otherwise.
func LiveTensors() int64 { return 0 }

func threadID() int { return 0 }
