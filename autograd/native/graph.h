// The C interface to autograd's graph: gradients of chosen inputs, hooks, operations whose backward
// pass is Go code, and checkpoints. Conventions are those of native.h.
//
// Calls into Go. C++ refers to a Go value that it calls later by a handle, a number, and returns it
// (dw_release) when the graph that holds it is destroyed. Functions that may make such a call have
// a `failure` argument: if the call fails, it is set to the handle of the Go error, which the
// caller then owns; otherwise it stays 0.
#pragma once
#include "native.h"

#ifdef __cplusplus
extern "C" {
#endif

// The two callbacks that Go registers at startup. A call receives `in`, new tensors that Go owns
// from then on (NULL for undefined), and leaves new tensors in `out` that C++ owns (or NULL). It
// returns NULL, or a message and in *failure the error's handle.
typedef dw_error (*dw_call)(uintptr_t handle, dw_tensor *in, int n_in, dw_tensor *out, int n_out, uintptr_t *failure);
typedef void (*dw_release)(uintptr_t handle);
void dw_set_callbacks(dw_call call, dw_release release);

// graph/gradients.cc
int dw_grad_mode(void); // whether operations are recorded
int dw_requires_grad(dw_tensor x);
int dw_is_leaf(dw_tensor x);
dw_error dw_set_requires_grad(dw_tensor x, int on);
// Accumulates the gradients of `outputs`, weighted by `weights` (each may be NULL), in the leaves:
// torch.autograd.backward.
dw_error dw_backward(const dw_tensor *outputs, const dw_tensor *weights, int n, int retain, int create,
                     uintptr_t *failure);
// Computes the gradients at chosen inputs, into `grads`, NULL for those that no output depends on:
// torch.autograd.grad.
dw_error dw_grad(dw_tensor *grads, const dw_tensor *outputs, const dw_tensor *weights, int n, const dw_tensor *inputs,
                 int n_inputs, int retain, int create, int unused, uintptr_t *failure);
// Calls `handle` with each gradient of x before it propagates further; a returned tensor replaces
// the gradient.
dw_error dw_register_hook(unsigned *position, dw_tensor x, uintptr_t handle);
dw_error dw_remove_hook(dw_tensor x, unsigned position);

// graph/function.cc: turns `raw` into `out`, the results of an operation on `inputs` whose backward
// pass is `handle`. The backward pass receives the gradients of the results and the saved tensors,
// and returns the gradients of the inputs. source[i] says where saved[i] comes from: k >= 0 is
// input k, -1-k is result k, INT_MIN is neither. C++ owns the handle from the call on.
dw_error dw_apply(dw_tensor *out, const dw_tensor *raw, int n_out, const dw_tensor *inputs, int n_in,
                  const dw_tensor *saved, const int *source, int n_saved, const char *name, uintptr_t handle,
                  int record);

// graph/checkpoint.cc: dw_checkpoint_begin records the position in this thread's graph and the
// states of the generators of the inputs' devices. dw_checkpoint turns y into `out`: y without the
// part of its graph made since then. The backward pass recomputes that part by calling `handle`
// with the inputs. C++ owns the handle from the call on.
typedef struct dw_checkpoint_state dw_checkpoint_state;
dw_error dw_checkpoint_begin(dw_checkpoint_state **out, const dw_tensor *inputs, int n);
void dw_checkpoint_end(dw_checkpoint_state *b);
dw_error dw_checkpoint(dw_tensor *out, dw_tensor y, const dw_tensor *inputs, int n, const dw_checkpoint_state *b,
                       uintptr_t handle);

#ifdef __cplusplus
}
#endif
