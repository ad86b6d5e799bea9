// Package metrics computes the measures of a classifier from its predictions: per-class scores, confusion matrix,
// calibration, confidence intervals and the comparison of two classifiers. It works on numbers alone and needs no libtorch.
// Definitions are those of scikit-learn, with which the tests compare.
package metrics
