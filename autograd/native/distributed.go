package native

// #include <stdlib.h>
// #include "distributed.h"
import "C"

import (
	"time"
	"unsafe"
)

// HasGloo reports whether processes can form a group on this system.
func HasGloo() bool { return C.dw_has_gloo() != 0 }

// A Store is a connection to a key-value store that processes share.
type Store struct{ c *C.dw_store }

// OpenStore connects to a store. listener is the descriptor of a listening socket, which the store takes over to serve others;
// -1: another process serves.
func OpenStore(host string, port, listener int, prefix string, timeout time.Duration) (Store, error) {
	h, p := C.CString(host), C.CString(prefix)
	defer C.free(unsafe.Pointer(h))
	defer C.free(unsafe.Pointer(p))
	var s Store
	err := take(C.dw_store_open(&s.c, h, C.int(port), C.int(listener), p, C.int(timeout.Milliseconds())))
	return s, err
}

// Set sets a key.
func (s Store) Set(key string, value []byte) error {
	k := C.CString(key)
	defer C.free(unsafe.Pointer(k))
	return take(C.dw_store_set(s.c, k, unsafe.Pointer(unsafe.SliceData(value)), C.size_t(len(value))))
}

// SetFirst sets a key that does not exist, and returns the value that it has now.
func (s Store) SetFirst(key string, value []byte) ([]byte, error) {
	k := C.CString(key)
	defer C.free(unsafe.Pointer(k))
	var out C.dw_bytes
	err := take(C.dw_store_set_first(&out, s.c, k, unsafe.Pointer(unsafe.SliceData(value)), C.size_t(len(value))))
	return takenBytes(out), err
}

// Has reports whether a key exists.
func (s Store) Has(key string) (bool, error) {
	k := C.CString(key)
	defer C.free(unsafe.Pointer(k))
	var exists C.int
	err := take(C.dw_store_check(&exists, s.c, k))
	return exists != 0, err
}

// Get returns the values of keys, and waits until all of them exist.
func (s Store) Get(keys ...string) ([][]byte, error) {
	names := make([]*C.char, len(keys))
	for i, key := range keys {
		names[i] = C.CString(key)
		defer C.free(unsafe.Pointer(names[i]))
	}
	outs := make([]C.dw_bytes, len(keys))
	err := take(C.dw_store_get(unsafe.SliceData(outs), s.c, unsafe.SliceData(names), C.int(len(keys))))
	values := make([][]byte, len(keys))
	for i, out := range outs {
		values[i] = takenBytes(out)
	}
	return values, err
}

// Free closes the connection, and the store if this one serves it.
func (s Store) Free() { C.dw_store_free(s.c) }

// A ProcessGroup is a process' membership of a group.
type ProcessGroup struct{ c *C.dw_process_group }

// GroupOptions are how a process joins a group, see dw_group_options.
type GroupOptions struct {
	Rank, Size  int
	Address     string // or the name of an interface
	IsInterface bool
	Device      int // -1: the CPU
	Timeout     time.Duration
	Prefix      string // of the group's keys in the store
}

// OpenProcessGroup connects the processes of a group.
func OpenProcessGroup(s Store, o GroupOptions) (ProcessGroup, error) {
	address, prefix := C.CString(o.Address), C.CString(o.Prefix)
	defer C.free(unsafe.Pointer(address))
	defer C.free(unsafe.Pointer(prefix))
	options := C.dw_group_options{rank: C.int(o.Rank), size: C.int(o.Size), address: address, is_interface: truth(o.IsInterface),
		device: C.int(o.Device), timeout_ms: C.int(o.Timeout.Milliseconds()), prefix: prefix}
	var g ProcessGroup
	err := take(C.dw_process_group_open(&g.c, s.c, &options))
	return g, err
}

// Cancel ends all operations with an error.
func (g ProcessGroup) Cancel(why string) {
	w := C.CString(why)
	defer C.free(unsafe.Pointer(w))
	C.dw_process_group_cancel(g.c, w)
}

// Free ends the group's threads, except of a group that was canceled.
func (g ProcessGroup) Free() { C.dw_process_group_free(g.c) }

// GroupStatus is what a group does.
type GroupStatus struct {
	Begun  int64         // operations so far
	Waited time.Duration // for the operation that a thread waits for; 0: none
	Failed bool          // an operation has failed
}

// Status is what the group does.
func (g ProcessGroup) Status() GroupStatus {
	s := C.dw_process_group_status(g.c)
	return GroupStatus{Begun: int64(s.begun), Waited: time.Duration(s.waited_ms) * time.Millisecond, Failed: s.failed != 0}
}

// SetGrace sets how long an operation that has failed waits for Cancel, which knows the cause.
func (g ProcessGroup) SetGrace(d time.Duration) {
	C.dw_process_group_grace(g.c, C.int(d.Milliseconds()))
}

// AllReduce adds up a tensor of all processes, in place.
func (g ProcessGroup) AllReduce(x Tensor) error {
	return take(C.dw_process_group_all_reduce(g.c, C.dw_tensor(x)))
}

// Broadcast copies the values of process 0, in place.
func (g ProcessGroup) Broadcast(xs []Tensor) error {
	return take(C.dw_process_group_broadcast(g.c, first(xs), count(xs)))
}

// Sum adds up the values of all processes, in place.
func (g ProcessGroup) Sum(values []float64) error {
	return take(C.dw_process_group_sum(g.c, (*C.double)(unsafe.SliceData(values)), C.size_t(len(values))))
}

// BroadcastBytes copies the bytes of process 0, in place.
func (g ProcessGroup) BroadcastBytes(b []byte) error {
	return take(C.dw_process_group_broadcast_bytes(g.c, unsafe.Pointer(unsafe.SliceData(b)), C.size_t(len(b))))
}

// GatherBytes returns the bytes of all processes, one after another. Their lengths must be equal.
func (g ProcessGroup) GatherBytes(b []byte, size int) ([]byte, error) {
	all := make([]byte, len(b)*size)
	err := take(C.dw_process_group_gather_bytes(g.c, unsafe.Pointer(unsafe.SliceData(b)), C.size_t(len(b)), unsafe.Pointer(unsafe.SliceData(all))))
	return all, err
}

// takenBytes copies bytes of the C++ side and releases them.
func takenBytes(b C.dw_bytes) []byte {
	defer C.free(b.data)
	return C.GoBytes(b.data, C.int(b.size))
}
