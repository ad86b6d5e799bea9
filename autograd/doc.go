// Package autograd provides tensors, operations and gradients: libtorch, called through gotch, with
// lifetimes that follow lexical blocks and errors that are Go errors.
//
// The main types:
//
//   - [Run] pins the goroutine to its OS thread and opens the root [Scope]. Only that goroutine may
//     use the scope.
//   - A [Scope] owns every [Tensor] created through it and frees them when its function returns or
//     panics. [Scope.Sub] opens a nested scope: one training step is one Sub. [Scope.Keep] passes a
//     tensor to the parent scope.
//   - Operations are methods of Scope. A scope's first failure sticks, as in bufio.Writer: every later
//     operation returns nil and does nothing, and the end of the scope (or [Scope.Err]) reports what
//     went wrong, where and with which shapes.
//   - [Scope.RequireGrad] marks parameters, [Scope.Backward] accumulates their gradients, [Grad] returns
//     the gradients of chosen inputs. A [Function] is an operation with a custom backward pass;
//     [Scope.Checkpoint] trades time for memory; [Scope.RegisterHook] observes gradients; [GradCheck]
//     compares them with central differences.
//   - A [List] is a group of tensors that one call updates in place; optimizers are written with it.
//   - A [Backbone] is a whole MobileNet backbone as one operation, computed by fused CPU kernels;
//     [FoldedBackbone] is its counterpart for inference.
//
// The examples show a layer and a loss, a training loop, and how to mix in plain gotch;
// docs/memory.md explains ownership.
//
// Caveats: a tensor ends with its scope, and belongs to the goroutine of its Run. Using a freed
// tensor is an error. With the build tag `invariants`, so are a call from another goroutine, a
// tensor of another Run, a scope that has ended and one that only grows, and errors report where a
// tensor was created and freed. Nothing here has a finalizer.
//
// The layout is channels-last throughout: shapes read (N, C, H, W), memory runs N, H, W, C.
package autograd
