//go:build !invariants

package autograd

// invariants switches the checks of lifetime and goroutine on.
const invariants = false

// What the checks keep in a scope and in a tensor: nothing.
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

// LiveTensors is the number of native handles that have been made and not freed. It counts under the build tag
// invariants only, and is zero otherwise.
func LiveTensors() int64 { return 0 }
