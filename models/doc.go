// Package models describes convolutional networks as data: a [Graph] of [Layer] values, from which
// shapes, parameter counts, multiply-adds, the summary, weight names, initial values and the forward
// pass all follow. It imports no tensor library: package backend computes what a graph describes.
//
// [Input], the methods of [Node] and [Build] create graphs in the style of Keras' functional API:
//
//	x := models.Input(models.Shape{Channels: 3, Height: 32, Width: 32})
//	y := x.Conv(models.Conv{Out: 16, Kernel: 3, Stride: 2}).BatchNorm(models.BatchNorm{}).ReLU()
//	y = y.GlobalAvgPool().Linear(models.Linear{Out: 10})
//	graph, err := models.Build("small", y)
//
// Package models/mobilenet holds the MobileNet architectures, each as a function that builds its graph.
package models
