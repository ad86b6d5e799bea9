package peers

import (
	"fmt"
	"strings"
)

// others recognizes networks of other architectures by the names of their arrays, the most specific first.
var others = []func(n nameSet) string{
	mobileNetsNotImplemented, resNet, denseNet, vgg, efficientNet, transformer, convNeXt, classics,
}

// otherNetwork says which network the arrays are of, "" if it is none of others.
func otherNetwork(arrays []named) string {
	n := nameSet{byName: index(arrays), arrays: arrays}
	for _, f := range others {
		if text := f(n); text != "" {
			return text
		}
	}
	return ""
}

// nameSet answers questions about the names of a file.
type nameSet struct {
	byName map[string]*named
	arrays []named
}

// any reports whether a name contains one of the parts.
func (n nameSet) any(parts ...string) bool {
	for _, a := range n.arrays {
		for _, part := range parts {
			if strings.Contains(a.name, part) || strings.Contains(a.Name, part) {
				return true
			}
		}
	}
	return false
}

// has reports whether all names are there.
func (n nameSet) has(names ...string) bool {
	for _, name := range names {
		if n.byName[name] == nil {
			return false
		}
	}
	return true
}

// units counts how many of prefix0suffix, prefix1suffix, ... there are, from a number on.
func (n nameSet) units(from int, prefix, suffix string) int {
	count := 0
	for n.byName[fmt.Sprint(prefix, from+count, suffix)] != nil {
		count++
	}
	return count
}

// units4 are the units of four stages, whose names begin with a format that takes the stage's number.
func (n nameSet) units4(fromStage, from int, format, suffix string) [4]int {
	var counts [4]int
	for i := range counts {
		counts[i] = n.units(from, fmt.Sprintf(format, fromStage+i), suffix)
	}
	return counts
}

func mobileNetsNotImplemented(n nameSet) string {
	switch {
	case n.any(".pw_exp.", ".dw_start.", ".dw_mid."):
		return "a MobileNetV4 (timm)"
	case n.has("conv_stem.weight", "conv_head.weight", "conv_head.bias") && n.any(".se.conv_reduce"):
		return "a MobileNetV3 (timm)"
	case n.any("features.") && n.has("classifier.3.weight", "features.0.0.weight") && n.any(".block."):
		return "a MobileNetV3 (torchvision)"
	case n.any("squeeze_excite/", "squeeze_excite_conv") && n.any("expanded_conv"):
		return "a MobileNetV3 (Keras)"
	case n.has("conv_stem.weight", "conv_head.weight", "blocks.1.0.conv_pw.weight") && !n.any(".conv_pwl.", ".se."):
		return "timm's mobilenetv1_100h or mobilenetv1_125h, a MobileNetV1 with a head convolution"
	case n.any("segmentation_head."):
		return "a network for segmentation on a MobileNet"
	}
	return ""
}

// resNets are the networks by the number of units of their stages.
var resNets = map[[4]int]string{
	{2, 2, 2, 2}: "18", {3, 4, 6, 3}: "34", {3, 4, 23, 3}: "101", {3, 8, 36, 3}: "152",
}

func resNet(n nameSet) string {
	units := n.units4(1, 0, "layer%d.", ".conv1.weight")
	bottleneck, grouped := n.has("layer1.0.conv3.weight"), false
	switch {
	case n.any("conv2_block1_0_conv/"):
		units = n.units4(2, 1, "conv%d_block", "_1_conv/kernel")
		bottleneck = true
	case n.any("resnet.embedder.", "resnet.encoder."):
		return "a ResNet state dict (Hugging Face)"
	case units[0] == 0:
		return ""
	default:
		if a, b := n.byName["layer1.0.conv2.weight"], n.byName["layer1.0.conv1.weight"]; bottleneck && a != nil && b != nil && len(a.Shape) == 4 && len(b.Shape) == 4 {
			grouped = a.Shape[1] != b.Shape[0]
		}
	}
	depth := resNets[units]
	if bottleneck && units == [4]int{3, 4, 6, 3} {
		depth = "50"
	}
	switch {
	case depth == "":
		return fmt.Sprintf("a ResNet state dict (%d, %d, %d and %d units)", units[0], units[1], units[2], units[3])
	case grouped:
		return fmt.Sprintf("a ResNeXt-%s state dict", depth)
	}
	return fmt.Sprintf("a ResNet-%s state dict", depth)
}

var denseNets = map[[4]int]string{
	{6, 12, 24, 16}: "DenseNet-121", {6, 12, 32, 32}: "DenseNet-169", {6, 12, 48, 32}: "DenseNet-201", {6, 12, 36, 24}: "DenseNet-161",
}

func denseNet(n nameSet) string {
	units := n.units4(1, 1, "features.denseblock%d.denselayer", ".conv1.weight")
	if units[0] == 0 { // names before torchvision 0.2
		units = n.units4(1, 1, "features.denseblock%d.denselayer", ".conv.1.weight")
	}
	if units[0] == 0 && n.any("conv2_block1_0_bn/") && !n.any("conv2_block1_0_conv/") {
		units = n.units4(2, 1, "conv%d_block", "_1_conv/kernel")
	}
	if units[0] == 0 {
		return ""
	}
	name, known := denseNets[units]
	if !known {
		name = fmt.Sprintf("DenseNet (%v units)", units)
	}
	return "a " + name + " state dict"
}

// vgg counts the convolutions: 8, 10, 13 and 16 with three linear layers.
func vgg(n nameSet) string {
	if n.has("block1_conv1/kernel", "block5_conv1/kernel") {
		depth := "16"
		if n.has("block5_conv4/kernel") {
			depth = "19"
		}
		return "a VGG-" + depth + " (Keras)"
	}
	if !n.has("features.0.weight", "classifier.6.weight") && !n.has("features.0.weight", "pre_logits.fc1.weight") {
		return ""
	}
	convs, batchNorm := 0, ""
	for _, a := range n.arrays {
		if !strings.HasPrefix(a.name, "features.") {
			continue
		}
		if len(a.Shape) == 4 {
			convs++
		}
		if strings.HasSuffix(a.name, "running_mean") {
			batchNorm = " with batch norm"
		}
	}
	if convs == 5 {
		return "an AlexNet state dict"
	}
	if depth, ok := map[int]int{8: 11, 10: 13, 13: 16, 16: 19}[convs]; ok {
		return fmt.Sprintf("a VGG-%d state dict%s", depth, batchNorm)
	}
	return "a VGG state dict" + batchNorm
}

func efficientNet(n nameSet) string {
	switch {
	case n.any("block1a_dwconv/", "block1a_project_conv/"):
		return "an EfficientNet (Keras)"
	case n.has("_conv_stem.weight", "_conv_head.weight"):
		return "an EfficientNet state dict (efficientnet_pytorch)"
	case n.has("conv_stem.weight", "conv_head.weight") && n.any(".se.conv_reduce"):
		return "an EfficientNet state dict (timm)"
	case n.has("features.0.0.weight") && n.any(".block.0.0.weight") && n.any("features.1.0.block."):
		return "an EfficientNet state dict (torchvision)"
	case n.any("efficientnet.encoder.", "efficientnet.embeddings."):
		return "an EfficientNet state dict (Hugging Face)"
	}
	return ""
}

func transformer(n nameSet) string {
	switch {
	case n.any("relative_position_bias_table"):
		return "a Swin Transformer state dict"
	case n.any(".attn.qkv.weight", "encoder.layers.encoder_layer_", "vit.encoder.", "vit.embeddings.", "deit.encoder.") || n.has("cls_token", "pos_embed"):
		return "a Vision Transformer (ViT) state dict"
	case n.any(".attention.self.query.", ".self_attn.q_proj.", ".attn.c_attn."):
		return "a transformer for text"
	}
	return ""
}

func convNeXt(n nameSet) string {
	if n.any("stages.0.blocks.0.conv_dw.", "convnext.encoder.", "convnextv2.encoder.", "convnext_tiny", "convnext_base_stage", "convnext_small_stage") || n.any(".layer_scale") && n.any("features.1.0.block.") {
		return "a ConvNeXt state dict"
	}
	return ""
}

// classics are networks that a single name identifies.
func classics(n nameSet) string {
	for _, c := range []struct{ part, network string }{
		{"Mixed_5b.", "an Inception v3"}, {"mixed0/", "an Inception v3"}, {"inception3a.", "a GoogLeNet"},
		{".squeeze.weight", "a SqueezeNet"}, {"stage2.0.branch", "a ShuffleNet v2"}, {"trunk_output.", "a RegNet"},
		{"block2_sepconv1", "an Xception"}, {"normal_conv_1_", "a NASNet"}, {"layers.8.0.layers.0.weight", "an MNASNet"},
		{"model.22.cv", "a YOLO network"}, {"backbone.fpn.", "a detection network"},
	} {
		if n.any(c.part) {
			return c.network + " state dict"
		}
	}
	return ""
}
