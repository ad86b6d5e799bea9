// The collective behind a handle of the C interface.
#pragma once
#include "../distributed.h"
#include "collective.h"

struct dw_process_group {
  virtual ~dw_process_group() = default;
  std::shared_ptr<depthwise::distributed::Collective> collective;
};
