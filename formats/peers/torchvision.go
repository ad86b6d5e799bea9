package peers

import (
	"fmt"

	"depthwise.dev/models"
)

// torchvisionV2Names are those of torchvision.models.mobilenet_v2: features.0 is the stem, features.1 to 17 are blocks,
// each a list of convolutions, and features.18 is the head's convolution.
func torchvisionV2Names(g *models.Graph, l models.Layer) layerNames {
	switch l.Name {
	case "conv_stem":
		return one("features.0.0", "features.0.1")
	case "conv_head":
		return one("features.18.0", "features.18.1")
	case "classifier":
		return layerNames{conv: []string{"classifier.1"}} // classifier.0 is dropout
	}
	number, part := numbered(g, l.Name)
	expands := number > 0 // the first block does not
	index := map[string]int{"conv_pw": 0, "conv_dw": 1, "conv_pwl": 2}[part]
	if !expands {
		index = map[string]int{"conv_dw": 0, "conv_pw": 1}[part]
	}
	prefix := fmt.Sprintf("features.%d.conv.%d", number+1, index)
	if part == "conv_pwl" || !expands && part == "conv_pw" { // the projection is not in a list of its own
		return one(prefix, fmt.Sprintf("features.%d.conv.%d", number+1, index+1))
	}
	return one(prefix+".0", prefix+".1")
}
