// Package control passes requests of other goroutines, such as those of a live page, to a run that trains. The run carries them
// out between two steps. It needs no libtorch.
package control
