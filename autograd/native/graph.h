// The C face of what reaches into autograd's graph: gradients of chosen inputs, hooks, operations whose backward pass is
// Go, and checkpoints. Conventions are those of native.h.
//
// Calls into Go. A Go value that C++ calls later is known by a handle, a number, which C++ gives back (dw_release) when
// the graph that holds it is gone. Functions that may run such a call have `failure`: where the call failed, it is set to
// the handle of the Go error, which the caller of the function then owns; else it stays 0.
#pragma once
#include "native.h"

#ifdef __cplusplus
extern "C" {
#endif

// The two functions that Go gives at start. A call takes `in`, new tensors that Go owns from then on (NULL for an
// undefined one), and leaves new tensors in `out` that C++ owns (or NULL). It returns NULL, or a message and in *failure
// the error's handle.
typedef dw_error (*dw_call)(uintptr_t handle, dw_tensor *in, int n_in, dw_tensor *out, int n_out, uintptr_t *failure);
typedef void (*dw_release)(uintptr_t handle);
void dw_set_callbacks(dw_call call, dw_release release);

// gradients.cc
int dw_grad_mode(void);                                                // operations are recorded
int dw_requires_grad(dw_tensor x);
int dw_is_leaf(dw_tensor x);
dw_error dw_set_requires_grad(dw_tensor x, int on);
// The gradients of `outputs`, weighted by `weights` (each may be NULL), at the leaves; torch.autograd.backward.
dw_error dw_backward(const dw_tensor *outputs, const dw_tensor *weights, int n, int retain, int create, uintptr_t *failure);
// The same of chosen inputs, into `grads`, NULL for those that no output depends on; torch.autograd.grad.
dw_error dw_grad(dw_tensor *grads, const dw_tensor *outputs, const dw_tensor *weights, int n, const dw_tensor *inputs, int n_inputs, int retain,
                 int create, int unused, uintptr_t *failure);
// Calls `handle` with each gradient of x, before it goes on; what it returns takes the gradient's place.
dw_error dw_register_hook(unsigned *position, dw_tensor x, uintptr_t handle);
dw_error dw_remove_hook(dw_tensor x, unsigned position);

// function.cc: makes `out` of `raw` as the results of an operation on `inputs` whose backward pass is `handle`, given the
// gradients of the results and the saved tensors and returning the gradients of the inputs. source[i] tells where saved[i]
// comes from: k >= 0 is input k, -1-k is result k, INT_MIN neither. C++ owns the handle from the call on.
dw_error dw_apply(dw_tensor *out, const dw_tensor *raw, int n_out, const dw_tensor *inputs, int n_in, const dw_tensor *saved, const int *source,
                  int n_saved, const char *name, uintptr_t handle, int record);

// checkpoint.cc: begin notes where this thread's graph stands and the states of the generators of the inputs' devices.
// checkpoint makes `out` of y, which is y without the part of its graph made since; backward makes that part again by
// calling `handle` with the inputs. C++ owns the handle from the call on.
typedef struct dw_checkpoint_state dw_checkpoint_state;
dw_error dw_checkpoint_begin(dw_checkpoint_state **out, const dw_tensor *inputs, int n);
void dw_checkpoint_end(dw_checkpoint_state *b);
dw_error dw_checkpoint(dw_tensor *out, dw_tensor y, const dw_tensor *inputs, int n, const dw_checkpoint_state *b, uintptr_t handle);

#ifdef __cplusplus
}
#endif
