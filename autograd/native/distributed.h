// The C interface to groups of processes: libtorch's c10d. Conventions are those of native.h; the folder
// distributed implements it.
#pragma once
#include "native.h"

#ifdef __cplusplus
extern "C" {
#endif

int dw_has_gloo(void); // whether groups are possible: libtorch has gloo on this system

// Bytes to be released with free.
typedef struct {
  void *data;
  size_t size;
} dw_bytes;

// distributed/store.cc: a key-value store that processes share, c10d's TCPStore. A store is a connection; calls on one
// wait for each other. Calls wait for the server, without a limit if it does not answer. Keys are under `prefix`.
typedef struct dw_store dw_store;

// listen_fd is a listening socket, which the store takes over to serve other processes on; -1: another process serves.
dw_error dw_store_open(dw_store **out, const char *host, int port, int listen_fd, const char *prefix, int timeout_ms);
dw_error dw_store_set(dw_store *s, const char *key, const void *data, size_t size);
// Sets a key that does not exist, and returns the value that it has now.
dw_error dw_store_set_first(dw_bytes *out, dw_store *s, const char *key, const void *data, size_t size);
dw_error dw_store_check(int *exists, dw_store *s, const char *key);
dw_error dw_store_get(dw_bytes *outs, dw_store *s, const char *const *keys, int n); // all of them must exist
void dw_store_free(dw_store *s);

// A process' membership of a group: a depthwise::distributed::Collective (distributed/handle.h).
typedef struct dw_process_group dw_process_group;

// distributed/process_group.cc: a group on c10d's ProcessGroupGloo. Returns when all processes are connected, or after
// timeout_ms. `address` is the name of the network interface or the address at which others connect to this process. On a
// GPU (device >= 0) tensors that are there are exchanged by NCCL. The store must live as long as the group.
typedef struct {
  int rank, size;
  const char *address;
  int is_interface; // address is an interface's name
  int device;       // -1: the CPU
  int timeout_ms;
  const char *prefix; // of the group's keys in the store
} dw_group_options;
dw_error dw_process_group_open(dw_process_group **out, dw_store *store, const dw_group_options *o);
// Ends all operations, in progress and later, with an error. The group cannot be used again.
void dw_process_group_cancel(dw_process_group *g, const char *why);
// Waits for gloo's threads, except of a group that was canceled: it is leaked, since its threads may wait forever.
void dw_process_group_free(dw_process_group *g);

// What a group does. After an operation has failed it waits grace_ms for the cause, that is dw_process_group_cancel, before it
// reports the failure.
typedef struct {
  int64_t begun;     // operations so far
  int64_t waited_ms; // for the operation that a thread waits for; 0: none
  int failed;        // an operation has failed
} dw_group_status;
dw_group_status dw_process_group_status(const dw_process_group *g);
void dw_process_group_grace(dw_process_group *g, int grace_ms);

// Blocking operations. Those of tensors are in place, and outside any graph.
dw_error dw_process_group_all_reduce(dw_process_group *g, dw_tensor t);
dw_error dw_process_group_broadcast(dw_process_group *g, const dw_tensor *ts, int n); // from rank 0
dw_error dw_process_group_sum(dw_process_group *g, double *values, size_t n);
dw_error dw_process_group_broadcast_bytes(dw_process_group *g, void *data, size_t size); // from rank 0
dw_error dw_process_group_gather_bytes(dw_process_group *g, const void *data, size_t size,
                                       void *out); // out: size of all ranks

#ifdef __cplusplus
}
#endif
