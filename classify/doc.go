// Package classify evaluates trained weights on data sets and predicts the classes of images. For a
// server that classifies images of many goroutines, see package serving.
package classify
