// Package host reports facts about the machine and the process: physical cores, processor name,
// software versions, peak memory and the cache folder. It needs no libtorch.
package host
