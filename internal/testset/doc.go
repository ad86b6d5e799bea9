// Package testset creates small data sets and weights for tests.
package testset
