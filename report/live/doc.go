// Package live serves reports of runs over HTTP: Runs the list of the runs in a folder, Run a run that trains in this process,
// with its events as they happen. Neither slows training: clients share what was rendered, and slow ones lose their
// connection. The caller guards the handlers. It needs no libtorch.
package live
