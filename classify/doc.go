// Package classify evaluates trained weights on data sets, predicts the classes of images, and computes
// their embeddings. [Inputs] lists the images that files, folders, globs, addresses, shards and standard input name. For a server that classifies images of many goroutines, see package serving.
package classify
