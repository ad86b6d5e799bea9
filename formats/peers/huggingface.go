package peers

import (
	"fmt"
	"strings"

	"depthwise.dev/models"
)

// pair are the names of a convolution and its norm in Hugging Face's MobileNets.
func pair(prefix string) layerNames { return one(prefix+".convolution", prefix+".normalization") }

// hfV1Names are those of MobileNetV1ForImageClassification, without the prefix mobilenet_v1: layer.0 to 25 are
// depthwise and pointwise convolutions in turn.
func hfV1Names(g *models.Graph, l models.Layer) layerNames {
	switch l.Name {
	case "classifier":
		return layerNames{conv: []string{"classifier"}}
	case "conv_stem":
		return pair("conv_stem")
	}
	return pair(fmt.Sprint("layer.", convIndex(g, l)-1))
}

// hfV2Names are those of MobileNetV2ForImageClassification, without the prefix mobilenet_v2. The first block belongs to
// the stem.
func hfV2Names(g *models.Graph, l models.Layer) layerNames {
	switch l.Name {
	case "classifier":
		return layerNames{conv: []string{"classifier"}}
	case "conv_stem":
		return pair("conv_stem.first_conv")
	case "conv_head":
		return pair("conv_1x1")
	}
	number, part := numbered(g, l.Name)
	if number == 0 {
		return pair("conv_stem." + map[string]string{"conv_dw": "conv_3x3", "conv_pw": "reduce_1x1"}[part])
	}
	return pair(fmt.Sprintf("layer.%d.%s", number-1, map[string]string{"conv_pw": "expand_1x1", "conv_dw": "conv_3x3", "conv_pwl": "reduce_1x1"}[part]))
}

// convIndex is the position of a layer among the graph's convolutions.
func convIndex(g *models.Graph, l models.Layer) int {
	n := 0
	for _, other := range g.Layers {
		if other.Name == l.Name {
			return n
		}
		if other.Kind == models.KindConv {
			n++
		}
	}
	return -1
}

// hfPrefixed is a name as files have it: what is not the head belongs to the model below it, whose name tells the versions
// apart.
func hfPrefixed(arch, name string) string {
	if strings.HasPrefix(name, "classifier.") {
		return name
	}
	return arch + "." + name
}
