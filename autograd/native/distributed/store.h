// The store behind a handle of the C interface.
#pragma once
#include "../distributed.h"
#include <torch/csrc/distributed/c10d/Store.hpp>

struct dw_store {
  c10::intrusive_ptr<c10d::Store> store;
};
