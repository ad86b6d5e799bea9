// Package autograd holds tensors, operations and gradients: libtorch, reached through gotch, with lifetimes that follow
// the code's blocks and errors that are Go errors.
//
// The types to know:
//
//   - [Run] pins the goroutine to its OS thread and opens the root [Scope]. Only that goroutine may use the scope.
//   - A [Scope] owns every [Tensor] that is made through it and frees them when its function returns or panics.
//     [Scope.Sub] opens a scope within a scope: one training step is one Sub. [Scope.Keep] hands a tensor to the parent.
//   - Operations are methods of Scope. A scope's first failure sticks, as in bufio.Writer: every later operation returns
//     nil and does nothing, and the end of the scope (or [Scope.Err]) tells what went wrong, where and with which shapes.
//   - A [List] is a group of tensors that is updated in place by one call; optimizers are written with it.
//
// What to look out for: a tensor is dead when its scope is; with the build tag `invariants` every use of a dead tensor
// or from a foreign thread is an error that says so. Nothing here has a finalizer.
//
// Layout is channels-last throughout: shapes read (N, C, H, W), memory runs N, H, W, C.
package autograd
