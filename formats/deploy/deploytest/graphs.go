package deploytest

import (
	"fmt"

	"depthwise.dev/models"
)

// graphs are the networks of all cases.
func graphs() ([]*models.Graph, error) {
	var list []*models.Graph
	for _, make := range []func() (*models.Graph, error){everyKind, readers, groups, flat, channels, names, functions} {
		g, err := make()
		if err != nil {
			return nil, fmt.Errorf("deploytest: %w", err)
		}
		list = append(list, g)
	}
	for _, padding := range models.Paddings {
		for _, size := range [][2]int{{16, 14}, {15, 17}} {
			g, err := padded(padding, size[0], size[1])
			if err != nil {
				return nil, fmt.Errorf("deploytest: %w", err)
			}
			list = append(list, g)
		}
	}
	return list, nil
}

// everyKind has every kind of layers. Batch norm, activation and add appear as layers of their own and merged into others.
func everyKind() (*models.Graph, error) {
	x := models.Input(models.Shape{Channels: 3, Height: 14, Width: 11})
	stem := x.Conv(models.Conv{Out: 8, Kernel: 3, Stride: 2, Padding: models.Same, Bias: true}).ReLU6()
	pools := stem.MaxPool(models.Pool{Kernel: 3, Stride: 2, Padding: models.Symmetric}).Add(stem.MaxPool(models.Pool{Kernel: 3, Stride: 2, Padding: models.Same}))
	norm := pools.BatchNorm(models.BatchNorm{Eps: 1e-3})
	twice := norm.Add(norm).ReLU()
	branch := norm.ReLU6().Conv(models.Conv{Out: 8, Kernel: 3, Groups: 2, Bias: true}).BatchNorm(models.BatchNorm{}).ReLU()
	sum := branch.Add(twice)
	down := sum.DepthwiseConv(models.Conv{Kernel: 3, Stride: 2, Padding: models.BottomRight}).BatchNorm(models.BatchNorm{}).ReLU()
	row := down.Dropout(0.5).Flatten().Linear(models.Linear{Out: 5, NoBias: true}).ReLU()
	pooled := sum.Conv(models.Conv{Out: 6, Kernel: 2, Padding: models.Valid}).GlobalAvgPool().Linear(models.Linear{Out: 5})
	return models.Build("every kind", pooled.Add(row).ReLU6().Dropout(0.5).Linear(models.Linear{Out: 3}))
}

// readers: the image is read by several layers that are no convolutions, outputs twice by one layer, and the last layers are
// an activation and a dropout.
func readers() (*models.Graph, error) {
	x := models.Input(models.Shape{Channels: 3, Height: 5, Width: 6})
	sum := x.ReLU().Add(x.BatchNorm(models.BatchNorm{})).Add(x.MaxPool(models.Pool{Kernel: 3, Stride: 1, Padding: models.Symmetric})).Add(x.Dropout(0.1))
	pooled := sum.GlobalAvgPool()
	return models.Build("readers", pooled.Add(pooled).Linear(models.Linear{Out: 4}).Named("head").Dropout(0.2).ReLU6().Dropout(0.3))
}

// groups has convolutions of several groups, with as many outputs as inputs and with more, and kernels of even and large size.
func groups() (*models.Graph, error) {
	x := models.Input(models.Shape{Channels: 4, Height: 9, Width: 7})
	y := x.Conv(models.Conv{Out: 8, Kernel: 3, Groups: 4}).BatchNorm(models.BatchNorm{}).ReLU() // two filters a channel
	y = y.Conv(models.Conv{Out: 12, Kernel: 3, Groups: 2, Stride: 2, Padding: models.Same, Bias: true}).ReLU6()
	y = y.Conv(models.Conv{Out: 6, Kernel: 1, Groups: 3}).BatchNorm(models.BatchNorm{})
	y = y.DepthwiseConv(models.Conv{Kernel: 5, Padding: models.Same, Bias: true}).BatchNorm(models.BatchNorm{Eps: 1e-3}).ReLU6()
	y = y.Conv(models.Conv{Out: 5, Kernel: 2, Stride: 3})
	return models.Build("groups", y.GlobalAvgPool().Linear(models.Linear{Out: 3}))
}

// flat flattens activations with rows and columns, and those without.
func flat() (*models.Graph, error) {
	x := models.Input(models.Shape{Channels: 2, Height: 3, Width: 4})
	row := x.Conv(models.Conv{Out: 3, Kernel: 2, Padding: models.Valid}).Flatten().ReLU().Dropout(0.5).Linear(models.Linear{Out: 6}).ReLU6()
	pooled := x.GlobalAvgPool().Flatten().Linear(models.Linear{Out: 6, NoBias: true})
	return models.Build("flat", row.Add(pooled).Flatten().Linear(models.Linear{Out: 2}))
}

// channels has an input of one channel, and a filter of a single one.
func channels() (*models.Graph, error) {
	x := models.Input(models.Shape{Channels: 1, Height: 7, Width: 7})
	y := x.Conv(models.Conv{Out: 4, Kernel: 3, Stride: 2}).ReLU().Conv(models.Conv{Out: 1}).BatchNorm(models.BatchNorm{}).DepthwiseConv(models.Conv{Kernel: 3})
	return models.Build("one channel", y.ReLU().GlobalAvgPool().Linear(models.Linear{Out: 1}))
}

// names has names that are no identifiers, are those of inputs, outputs or arrays, or differ only in characters that are none.
func names() (*models.Graph, error) {
	x := models.Input(models.Shape{Channels: 3, Height: 6, Width: 6})
	y := x.Conv(models.Conv{Out: 4, Kernel: 3, Bias: true}).Named("logits").BatchNorm(models.BatchNorm{}).Named("batch norm/größe").ReLU().Named("relu")
	y = y.Conv(models.Conv{Out: 4, Kernel: 1, Bias: true}).Named("a b").ReLU().Named("relu")
	y = y.Conv(models.Conv{Out: 4, Kernel: 1, Bias: true}).Named("a/b").ReLU6().Named("")
	y = y.Conv(models.Conv{Out: 4, Kernel: 1}).Named("a_b").Add(y).Named("logits.weight")
	y = y.MaxPool(models.Pool{Kernel: 2}).Named("画像 \"1\"\n").GlobalAvgPool().Named("0")
	return models.Build("names/größe 1", y.Linear(models.Linear{Out: 3}).Named("output"))
}

// functions has an activation behind a layer of each kind, which the builder leaves separate behind some.
func functions() (*models.Graph, error) {
	relu, relu6 := &models.Activation{Name: "f", Function: models.ReLU}, &models.Activation{Name: "f", Function: models.ReLU6}
	return models.NewGraph("functions", models.Shape{Channels: 3, Height: 8, Width: 8}, []models.Layer{
		{Kind: models.KindConv, Name: "conv", Inputs: []string{models.InputName}, Out: 4, Kernel: 3, Stride: 1, Groups: 1, Padding: models.Same, Activation: relu6},
		{Kind: models.KindBatchNorm, Name: "norm", Inputs: []string{"conv"}, Norm: &models.Norm{Name: "norm", Eps: 1e-3, Momentum: 0.1}, Activation: relu},
		{Kind: models.KindAdd, Name: "add", Inputs: []string{"conv", "norm"}, Activation: relu6},
		{Kind: models.KindDropout, Name: "drop", Inputs: []string{"norm"}, Rate: 0.5, Activation: relu6},
		{Kind: models.KindAdd, Name: "add2", Inputs: []string{"add", "drop"}},
		{Kind: models.KindMaxPool, Name: "max", Inputs: []string{"add2"}, Kernel: 2, Stride: 2, Padding: models.Valid, Activation: relu},
		{Kind: models.KindGlobalAvgPool, Name: "pool", Inputs: []string{"max"}, Activation: relu6},
		{Kind: models.KindFlatten, Name: "flatten", Inputs: []string{"pool"}, Activation: relu},
		{Kind: models.KindLinear, Name: "head", Inputs: []string{"flatten"}, Out: 3, Bias: true, Activation: relu},
	})
}

// padded has windows of odd and even size and stride with a padding, on images of a size. The max pools read negative values,
// of which a padded zero would be the maximum.
func padded(padding models.Padding, height, width int) (*models.Graph, error) {
	x := models.Input(models.Shape{Channels: 3, Height: height, Width: width})
	y := x.Conv(models.Conv{Out: 6, Kernel: 3, Stride: 2, Padding: padding}).BatchNorm(models.BatchNorm{}).ReLU6()
	y = y.DepthwiseConv(models.Conv{Kernel: 3, Padding: padding}).BatchNorm(models.BatchNorm{})
	even := y.Conv(models.Conv{Out: 4, Kernel: 2, Stride: 2, Padding: padding}).GlobalAvgPool().Linear(models.Linear{Out: 3})
	pool := y.MaxPool(models.Pool{Kernel: 3, Stride: 2, Padding: padding}).Flatten().Linear(models.Linear{Out: 3})
	pool2 := y.MaxPool(models.Pool{Kernel: 2, Stride: 1, Padding: padding}).Flatten().Linear(models.Linear{Out: 3})
	return models.Build(fmt.Sprintf("%s %dx%d", padding, height, width), even.Add(pool).Add(pool2))
}
