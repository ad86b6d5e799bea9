// Package classifier computes the classes of images by a trained network, in Go alone.
//
//   - A file of weights holds the network, its weights, the names of the classes and the preprocessing of images.
//   - Convolutions are products of matrices, whose inner loops exist for AVX-512, for AVX2 and in portable Go; they are
//     selected when weights are loaded.
//   - The goroutines of an image are at most as many as GOMAXPROCS permits for all images together. Logits do not depend on
//     their number.
package classifier
