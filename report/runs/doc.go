// Package runs reads the folders of training runs: what state they are in, how good they are, how they differ, and what
// of them can be removed. It needs no libtorch.
package runs
