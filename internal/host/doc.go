// Package host reports facts about the machine and the process: the processors that it may compute on, processor name,
// software versions, memory and the cache folder. It needs no libtorch.
package host
