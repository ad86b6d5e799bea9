// Package batches supplies training batches for benchmarks and diagnosis: synthetic ones, and an
// endless stream of those of a data set.
package batches
