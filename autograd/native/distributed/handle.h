// The collective behind a handle of the C interface.
#pragma once
#include "../distributed.h"
#include "collective.h"

struct dw_process_group {
  std::shared_ptr<depthwise::distributed::Collective> collective;
};
