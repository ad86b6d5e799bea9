package native

// #include "distributed.h"
import "C"

// A ProcessGroup is a process' membership of a group, for functions of this package.
type ProcessGroup struct{ c *C.dw_process_group }
