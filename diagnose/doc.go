// Package diagnose shows why a network computes or learns wrongly: it compares the gradients of all
// engines, describes a training step layer by layer, and computes statistics of the training images.
package diagnose
