// The C interface of groups whose ranks are threads of one process (distributed/local.cc), for tests. Conventions are those
// of native.h.
#pragma once
#include "distributed.h"

#ifdef __cplusplus
extern "C" {
#endif

// A group of n ranks; out has n places. Canceled, its operations fail with `why`, those in progress too.
dw_error dw_local_groups(dw_process_group **out, int n);
void dw_local_cancel(dw_process_group *group, const char *why);
void dw_local_free(dw_process_group *group);

#ifdef __cplusplus
}
#endif
