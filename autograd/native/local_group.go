package native

// #include <stdlib.h>
// #include "local_group.h"
import "C"

import "unsafe"

// LocalGroups returns the members of a group of n ranks in this process. FreeLocal releases each.
func LocalGroups(n int) ([]ProcessGroup, error) {
	out := make([]*C.dw_process_group, n)
	if err := take(C.dw_local_groups(unsafe.SliceData(out), C.int(n))); err != nil {
		return nil, err
	}
	group := make([]ProcessGroup, n)
	for i, c := range out {
		group[i] = ProcessGroup{c}
	}
	return group, nil
}

// CancelLocal ends all operations of a group of LocalGroups with an error.
func (g ProcessGroup) CancelLocal(why string) {
	text := C.CString(why)
	defer C.free(unsafe.Pointer(text))
	C.dw_local_cancel(g.c, text)
}

// FreeLocal releases a member of LocalGroups. What was made with it keeps the group.
func (g ProcessGroup) FreeLocal() { C.dw_local_free(g.c) }
