// Package serving classifies images for many goroutines of a server: it collects images that arrive
// together into batches and computes them with one network.
package serving
