// Package live serves reports of runs over HTTP while they train: the list of the runs in a folder. Reading is all that it
// allows. It needs no libtorch.
package live
