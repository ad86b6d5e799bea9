// The C interface of the project's C++: what libtorch can do and gotch has no function for.
//
// Conventions. A `dw_tensor` is an `at::Tensor*` as gotch hands it out. Functions that can fail
// return NULL on success and otherwise a message to be released with dw_free_error; no exception
// leaves this library. Arrays of tensors are passed as a pointer and a count, and all tensors of
// one array are on one device.
//
// Headers that cgo reads are in this folder, since Go's build cache tracks no others. Sources are
// in a folder per family; includes name them from here, as "isa/simd.h".
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef void *dw_tensor;
typedef char *dw_error;

void dw_free_error(dw_error e);

// tensors/allocator.cc: keeps the memory of dead CPU tensors for later ones; call it once, before
// the first tensor.
void dw_tune_allocator(void);
int64_t dw_memory_allocated(void); // bytes of live CPU tensors, counting blocks of 256 KB and more

// tensors/runtime.cc: the process-wide state of libtorch.
void dw_disable_stack_traces(void); // in libtorch's errors; call it once
dw_error dw_set_threads(int n);
int dw_threads(void);
dw_error dw_manual_seed(uint64_t seed);
// The state of the default generator of a GPU, or of the CPU for a negative device: uint8, one dimension.
dw_error dw_generator_state(dw_tensor *out, int device);
dw_error dw_set_generator_state(int device, dw_tensor state);
int dw_has_bf16(void);               // whether the processor multiplies bfloat16 in hardware
const char *dw_cpu_capability(void); // what libtorch selects kernels by, such as "AVX512+bf16+amx"

// threads/slack.cc: how late the timers of a thread of this process may be, whatever it runs. Returns whether the thread has
// set it, within a second. One call at a time.
int dw_set_timer_slack(int thread, uint64_t nanoseconds);

// tensors/tensors.cc: layout, copies and gradients.
dw_error dw_channels_last(dw_tensor *out, dw_tensor x);
dw_error dw_copy(dw_tensor dst, dw_tensor src); // dst.copy_(src), outside any graph
dw_error dw_from_host(dw_tensor *out, const void *data, const int64_t *shape, int ndim, int dtype);
dw_error dw_to_host(void *data, dw_tensor x);      // row-major, regardless of x's strides
dw_error dw_gradient(dw_tensor *out, dw_tensor x); // *out stays NULL when there is none
dw_error dw_set_gradient(dw_tensor x, dw_tensor gradient);
dw_error dw_clear_gradients(const dw_tensor *xs, int n);
dw_error dw_normalize_images(dw_tensor *out, const uint8_t *pixels, int64_t n, int64_t h, int64_t w, const double *mean,
                             const double *std);

// tensors/foreach.cc: one call for a whole list of tensors, in place; see autograd.List.
dw_error dw_list_scale(const dw_tensor *x, int n, double c);
dw_error dw_list_add_scalar(const dw_tensor *x, int n, double c);
dw_error dw_list_add_scaled(const dw_tensor *x, const dw_tensor *y, int n, double alpha);
dw_error dw_list_add_product(const dw_tensor *x, const dw_tensor *a, const dw_tensor *b, int n, double alpha);
dw_error dw_list_add_quotient(const dw_tensor *x, const dw_tensor *a, const dw_tensor *b, int n, double alpha);
dw_error dw_list_sqrt(const dw_tensor *x, int n);
dw_error dw_list_lerp(const dw_tensor *x, const dw_tensor *y, int n, double weight);
dw_error dw_list_copy(const dw_tensor *x, const dw_tensor *y, int n);
dw_error dw_list_zero(const dw_tensor *x, int n);
dw_error dw_list_norm(const dw_tensor *x, int n, double *norm);
dw_error dw_list_norm_tensor(dw_tensor *norm, const dw_tensor *x, int n);
dw_error dw_list_all_finite(const dw_tensor *x, int n, int *finite);

#ifdef __cplusplus
}
#endif
