package mobilenet_test

import (
	"fmt"

	"depthwise.dev/models/mobilenet"
)

// A configuration is a variant of an architecture with changed fields; counts and shapes need no tensor library.
func Example() {
	config, err := mobilenet.Default("mobilenet_v1", "paper")
	if err != nil {
		fmt.Println(err)
		return
	}
	config.Width, config.Resolution, config.Classes = 0.5, 160, 10
	graph, err := config.Graph()
	if err != nil {
		fmt.Println(err)
		return
	}
	summary := graph.Summary()
	fmt.Println(summary.Params, "parameters,", summary.MultiplyAdds, "multiply-adds")
	for _, layer := range graph.Layers[:3] {
		fmt.Println(layer.Name, layer.Output)
	}
	// Output:
	// 834666 parameters, 76017920 multiply-adds
	// conv_stem (16, 80, 80)
	// blocks.0.0.conv_dw (16, 80, 80)
	// blocks.0.0.conv_pw (32, 80, 80)
}
