// All kernels.
#pragma once
#include "cuda/kernels/activate.h"
#include "cuda/kernels/depthwise_backward.h"
#include "cuda/kernels/images.h"
#include "cuda/kernels/patches.h"
#include "cuda/kernels/ranks.h"
