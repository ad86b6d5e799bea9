// Package testset creates small data sets for tests.
package testset
