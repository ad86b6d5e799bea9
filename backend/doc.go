// Package backend computes: it selects device, precision, backend and threads, builds networks from
// weights, and runs their forward pass, loss and inference.
package backend
