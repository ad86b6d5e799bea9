//go:build !invariants

package autograd

// invariants enables the checks of lifetimes and goroutines.
const invariants = false

// The checks' state in a scope and in a tensor: empty without the tag.
type (
	watch struct{}
	place struct{}
)

func newWatch() watch { return watch{} }

func (watch) child() watch { return watch{} }

func (watch) onThisThread() watch { return watch{} }

func (watch) verdict(err error) error { return err }

func (watch) end() {}

func (s *Scope) misuse(string, ...*Tensor) error { return nil }

func (t *Tensor) history() string { return "" }

func here() place { return place{} }

func countLive(int64) {}

// LiveTensors is the number of native handles created and not yet freed. It is counted only under
// the build tag invariants, and is zero otherwise.
func LiveTensors() int64 { return 0 }
