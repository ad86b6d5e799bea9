package mobilenet_test

import (
	"fmt"

	"depthwise.dev/models/mobilenet"
)

// A configuration is a named variant with changed fields; counts and shapes need
// no libtorch.
func Example() {
	config, err := mobilenet.Variant("paper")
	if err != nil {
		fmt.Println(err)
		return
	}
	config.Width, config.Resolution, config.Classes = 0.5, 160, 10
	summary := config.Summary()
	fmt.Println(summary.Params, "parameters,", summary.MultiplyAdds, "multiply-adds")
	for _, layer := range config.Layers()[:3] {
		fmt.Printf("%s: %d channels, %dx%d\n", layer.Name, layer.Out, layer.OutSize, layer.OutSize)
	}
	// Output:
	// 834666 parameters, 76017920 multiply-adds
	// conv_stem: 16 channels, 80x80
	// blocks.0.0.conv_dw: 16 channels, 80x80
	// blocks.0.0.conv_pw: 32 channels, 80x80
}
