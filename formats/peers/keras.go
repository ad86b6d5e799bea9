package peers

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"depthwise.dev/models"
)

// head are names of the last layer of Keras models: those of keras.applications, of its older versions, and of a Dense
// layer on the features, as in Keras' guide to transfer learning.
func head(own string) layerNames {
	return layerNames{conv: []string{own, "Logits", "dense", "predictions"}}
}

// kerasV1Names are those of keras.applications.MobileNet.
func kerasV1Names(g *models.Graph, l models.Layer) layerNames {
	switch l.Name {
	case "conv_stem":
		return one("conv1", "conv1_bn")
	case "classifier":
		return head("conv_preds")
	}
	number, part := numbered(g, l.Name)
	name := fmt.Sprintf("%s_%d", part, number+1)
	return one(name, name+"_bn")
}

// kerasV2Names are those of keras.applications.MobileNetV2.
func kerasV2Names(g *models.Graph, l models.Layer) layerNames {
	switch l.Name {
	case "conv_stem":
		return one("Conv1", "bn_Conv1")
	case "conv_head":
		return one("Conv_1", "Conv_1_bn")
	case "classifier":
		return head("predictions")
	}
	number, part := numbered(g, l.Name)
	name := fmt.Sprintf("block_%d_%s", number, map[string]string{"conv_pw": "expand", "conv_dw": "depthwise", "conv_pwl": "project"}[part])
	if number == 0 {
		name = "expanded_conv_" + map[string]string{"conv_dw": "depthwise", "conv_pw": "project"}[part]
	}
	return one(name, name+"_BN")
}

// KerasNames are the names in keras.applications of a layer of a MobileNet and of its norm.
func KerasNames(arch string, g *models.Graph, l models.Layer) (layer, norm string) {
	names := kerasV1Names
	if arch == "mobilenet_v2" {
		names = kerasV2Names
	}
	n := names(g, l)
	if len(n.norm) > 0 {
		norm = n.norm[0]
	}
	return n.conv[0], norm
}

// KerasBlock is the prefix of the names in keras.applications.MobileNetV2 of the block that a layer is in.
func KerasBlock(g *models.Graph, l models.Layer) string {
	number, _ := numbered(g, l.Name)
	return fmt.Sprintf("block_%d_", number)
}

// numberedNames are those that Keras gives to layers without names, and to all layers in .weights.h5 files: the class,
// numbered in the order of the network.
func numberedNames(head string) func(*models.Graph, models.Layer) layerNames {
	return func(g *models.Graph, l models.Layer) layerNames {
		if l.Kind == models.KindLinear {
			return layerNames{conv: []string{head}}
		}
		class, n := "conv2d", 0
		if isDepthwise(l) {
			class = "depthwise_conv2d"
		}
		for _, other := range g.Layers {
			if other.Name == l.Name {
				break
			}
			if other.Kind == models.KindConv && isDepthwise(other) == isDepthwise(l) {
				n++
			}
		}
		return one(withNumber(class, n), withNumber("batch_normalization", convIndex(g, l)))
	}
}

// isDepthwise also holds for a layer of one channel, which is an ordinary convolution too.
func isDepthwise(l models.Layer) bool { return strings.HasSuffix(l.Name, ".conv_dw") }

// withNumber is conv2d, conv2d_1, conv2d_2, ...
func withNumber(class string, n int) string {
	if n == 0 {
		return class
	}
	return fmt.Sprintf("%s_%d", class, n)
}

// kerasKind is Keras' name of an array of a layer or of a norm.
func kerasKind(own string, norm bool) string {
	if norm {
		return map[string]string{"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}[own]
	}
	if own == "weight" {
		return "kernel"
	}
	return own
}

// kerasLayout is the layout of an array of a layer.
func kerasLayout(l models.Layer, kerasName string) kind {
	switch {
	case kerasName != "kernel":
		return vector
	case l.Kind == models.KindLinear:
		return dense
	case l.Depthwise():
		return depthwise
	}
	return kernel
}

// isKerasName reports whether a name can only be Keras': LAYER/kernel and the like.
func isKerasName(name string) bool {
	_, kind, nested := cutLast(strings.TrimSuffix(name, ":0"))
	return nested && slices.Contains([]string{"kernel", "depthwise_kernel", "gamma", "moving_variance"}, kind)
}

func cutLast(name string) (before, after string, found bool) {
	i := strings.LastIndex(name, "/")
	if i < 0 {
		return "", name, false
	}
	return name[:i], name[i+1:], true
}

// normalizeKeras brings names to LAYER/KIND. Files have "conv1/conv1/kernel:0" and "model_weights/conv1/conv1/kernel",
// and .weights.h5 files "layers/conv2d/vars/0". Numbers of classes begin at 0 then: those of a session's second model
// go on where the first one's end.
func normalizeKeras(arrays []named) {
	for i := range arrays {
		a := &arrays[i]
		parts := strings.Split(strings.TrimSuffix(a.name, ":0"), "/")
		kind := parts[len(parts)-1]
		layer := ""
		switch {
		case len(parts) > 2 && parts[len(parts)-2] == "vars":
			layer = parts[len(parts)-3]
			kind = variableKind(layer, kind)
		case len(parts) > 1:
			layer = parts[len(parts)-2]
		}
		if kind == "depthwise_kernel" {
			kind = "kernel"
		}
		a.name = layer + "/" + kind
	}
	for _, class := range []string{"conv2d", "depthwise_conv2d", "batch_normalization", "dense"} {
		renumber(arrays, class)
	}
}

// variableKind is what the variable of a number is, in the order in which Keras' layers create theirs.
func variableKind(layer, number string) string {
	kinds := []string{"kernel", "bias"}
	if strings.HasPrefix(layer, "batch_normalization") {
		kinds = []string{"gamma", "beta", "moving_mean", "moving_variance"}
	}
	if i, err := strconv.Atoi(number); err == nil && i >= 0 && i < len(kinds) {
		return kinds[i]
	}
	return number
}

// renumber numbers the layers of a class from 0, in the order of their numbers.
func renumber(arrays []named, class string) {
	var numbers []int
	number := func(name string) (n int, ok bool) {
		layer, _, _ := cutLast(name)
		if layer == class {
			return 0, true
		}
		rest, isNumbered := strings.CutPrefix(layer, class+"_")
		n, err := strconv.Atoi(rest)
		return n, isNumbered && err == nil && n > 0
	}
	for _, a := range arrays {
		if n, ok := number(a.name); ok && !slices.Contains(numbers, n) {
			numbers = append(numbers, n)
		}
	}
	slices.SortFunc(numbers, cmp.Compare[int])
	for i := range arrays {
		if n, ok := number(arrays[i].name); ok {
			_, kind, _ := cutLast(arrays[i].name)
			arrays[i].name = withNumber(class, slices.Index(numbers, n)) + "/" + kind
		}
	}
}
