// Package diagnose finds out why a network computes or learns wrongly: it compares gradients of all
// engines, describes a training step layer by layer, and computes statistics of the training
// images.
package diagnose
