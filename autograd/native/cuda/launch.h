// Runs a kernel of cuda/kernels: on a GPU by the driver, on the CPU by the emulation.
#pragma once
#include "cuda/kernels/shapes.h"

namespace depthwise::cuda {

// Runs a kernel on the current stream of a GPU. name is that of kernel_name (cuda/nvrtc.h); arguments are as for
// cuLaunchKernel: pointers to the values. It neither allocates nor waits, so graphs can capture it, once the kernel has
// run before: the first call compiles.
void gpu_launch(int device, const char *name, const Launch &launch, void **arguments); // cuda/driver.cc

// The number of multiprocessors of a GPU, by which grids are sized.
int multiprocessors(int device);

} // namespace depthwise::cuda
