// Package control passes requests from other goroutines, such as those of a live page, to a training run, which carries them out
// between two steps. It needs no libtorch.
package control
