// Package bench measures the speed of training steps, of inference and of the data loader, and
// per-layer times against the roofline of the machine.
package bench
