// The C interface to groups of processes: libtorch's c10d. Conventions are those of native.h; the folder
// distributed implements it.
#pragma once
#include "native.h"

#ifdef __cplusplus
extern "C" {
#endif

// A process' membership of a group: a depthwise::distributed::Collective (distributed/handle.h).
typedef struct dw_process_group dw_process_group;

#ifdef __cplusplus
}
#endif
