package models_test

import (
	"fmt"

	"depthwise.dev/models"
)

// kerasNorm is Keras' default: its momentum of 0.99 is the weight of the old value, 0.01 that of the new batch.
var kerasNorm = models.BatchNorm{Eps: 1e-3, Momentum: 0.01}

// mobilenetBlock is a depthwise separable convolution: 3x3 in each channel, then 1x1 across the channels.
func mobilenetBlock(x *models.Node, filters, stride int) *models.Node {
	x = x.DepthwiseConv(models.Conv{Kernel: 3, Stride: stride, Padding: models.Same, Bias: true})
	x = x.BatchNorm(kerasNorm).ReLU()
	x = x.Conv(models.Conv{Out: filters, Kernel: 1, Bias: true})
	return x.BatchNorm(kerasNorm).ReLU()
}

// backbone is the network without its classifier.
func backbone(x *models.Node) *models.Node {
	x = x.Conv(models.Conv{Out: 32, Kernel: 3, Stride: 2, Padding: models.Same, Bias: true})
	x = x.BatchNorm(kerasNorm).ReLU()
	x = mobilenetBlock(x, 64, 1)
	x = mobilenetBlock(x, 128, 2)
	x = mobilenetBlock(x, 128, 1)
	x = mobilenetBlock(x, 256, 2)
	x = mobilenetBlock(x, 256, 1)
	x = mobilenetBlock(x, 512, 2)
	for range 5 {
		x = mobilenetBlock(x, 512, 1)
	}
	x = mobilenetBlock(x, 1024, 2)
	return mobilenetBlock(x, 1024, 1)
}

// MobileNet v1 from scratch, as one writes it with Keras' functional API. docs/from-scratch.md explains each step.
func Example() {
	input := models.Input(models.Shape{Channels: 3, Height: 224, Width: 224})
	output := backbone(input).GlobalAvgPool().Linear(models.Linear{Out: 1000})
	model, err := models.Build("MobileNet", output)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(model.Summary().Totals())
	// Output:
	// Total params: 4,264,808
	// Trainable params: 4,242,920
	// Non-trainable params: 21,888
	// Multiply-adds per image: 568,740,352 (568.7 million)
}

// A residual connection is a node that is read twice.
func ExampleNode_Add() {
	input := models.Input(models.Shape{Channels: 3, Height: 32, Width: 32})
	x := input.Conv(models.Conv{Out: 16, Kernel: 3}).BatchNorm(models.BatchNorm{}).ReLU()
	y := x.Conv(models.Conv{Out: 16, Kernel: 3}).BatchNorm(models.BatchNorm{}).Add(x).ReLU()
	model, err := models.Build("small", y.GlobalAvgPool().Linear(models.Linear{Out: 10}))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, layer := range model.Layers {
		fmt.Println(layer.Name, layer.Inputs, layer.Output)
	}
	// Output:
	// conv2d [input] (16, 32, 32)
	// conv2d_1 [conv2d] (16, 32, 32)
	// add [conv2d_1 conv2d] (16, 32, 32)
	// global_average_pooling2d [add] (16)
	// dense [global_average_pooling2d] (10)
}
