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
//   - [Scope.RequireGrad] marks parameters, [Scope.Backward] leaves gradients at them, [Grad] returns those of chosen inputs.
//     A [Function] is an operation with a backward pass of one's own; [Scope.Checkpoint] saves memory for time;
//     [Scope.RegisterHook] watches gradients; [GradCheck] compares them with central differences.
//   - A [List] is a group of tensors that is updated in place by one call; optimizers are written with it.
//
// The examples show a layer and a loss, a training loop, and how to mix in plain gotch; docs/memory.md tells who owns what.
//
// What to look out for: a tensor is dead when its scope is, and belongs to the goroutine of its Run. To use a dead one is an
// error. With the build tag `invariants`, so are a call from another goroutine, a tensor of another Run, a scope that has
// ended and one that only grows, and errors tell where a tensor was made and freed. Nothing here has a finalizer.
//
// Layout is channels-last throughout: shapes read (N, C, H, W), memory runs N, H, W, C.
package autograd
