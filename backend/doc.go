// Package backend computes: it chooses device, precision, backend and threads, and runs a network's
// forward pass, loss and inference with them.
package backend
