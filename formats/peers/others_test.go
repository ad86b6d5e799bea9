package peers

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// namesOf expands counted parts: {1..3} is 1, 2 and 3. Several make all combinations.
func namesOf(patterns ...string) []string {
	var names []string
	for _, p := range patterns {
		before, rest, counted := strings.Cut(p, "{")
		if !counted {
			names = append(names, p)
			continue
		}
		span, after, _ := strings.Cut(rest, "}")
		var from, to int
		if n, err := fmt.Sscanf(span, "%d..%d", &from, &to); n != 2 || err != nil {
			panic(p)
		}
		for i := from; i <= to; i++ {
			names = append(names, namesOf(fmt.Sprint(before, i, after))...)
		}
	}
	return names
}

// resNetNames are those of torchvision and timm.
func resNetNames(convs int, units [4]int) []string {
	names := []string{"conv1.weight", "bn1.weight", "fc.weight", "fc.bias"}
	for stage, n := range units {
		names = append(names, namesOf(fmt.Sprintf("layer%d.{0..%d}.conv{1..%d}.weight", stage+1, n-1, convs))...)
	}
	return names
}

// denseNetNames are torchvision's.
func denseNetNames(units [4]int) []string {
	names := []string{"features.conv0.weight", "classifier.weight"}
	for block, n := range units {
		names = append(names, namesOf(fmt.Sprintf("features.denseblock%d.denselayer{1..%d}.conv{1..2}.weight", block+1, n))...)
	}
	return names
}

// vggNames are those of a VGG: convolutions at some places of features.
func vggNames(convs int) []string {
	return append(namesOf(fmt.Sprintf("features.{0..%d}.weight", convs-1)), "classifier.0.weight", "classifier.3.weight", "classifier.6.weight")
}

// TestOtherNetworks: names of other architectures, as their tools' source code has them.
func TestOtherNetworks(t *testing.T) {
	for _, c := range []struct {
		want  string
		names []string
	}{
		{"a ResNet-18 state dict", resNetNames(2, [4]int{2, 2, 2, 2})},
		{"a ResNet-34 state dict", resNetNames(2, [4]int{3, 4, 6, 3})},
		{"a ResNet-50 state dict", resNetNames(3, [4]int{3, 4, 6, 3})},
		{"a ResNet-101 state dict", resNetNames(3, [4]int{3, 4, 23, 3})},
		{"a ResNet-152 state dict", resNetNames(3, [4]int{3, 8, 36, 3})},
		{"a ResNet state dict (1, 1, 1 and 1 units)", resNetNames(2, [4]int{1, 1, 1, 1})},
		{"a ResNet-50 state dict", namesOf("conv2_block1_0_conv/kernel", "conv2_block1_0_bn/gamma", "conv2_block{1..3}_{1..3}_conv/kernel", "conv3_block{1..4}_{1..3}_conv/kernel", "conv4_block{1..6}_{1..3}_conv/kernel", "conv5_block{1..3}_{1..3}_conv/kernel")},
		{"a ResNet state dict (Hugging Face)", namesOf("resnet.embedder.embedder.convolution.weight", "resnet.encoder.stages.{0..3}.layers.0.layer.0.convolution.weight")},
		{"a DenseNet-121 state dict", denseNetNames([4]int{6, 12, 24, 16})},
		{"a DenseNet-161 state dict", denseNetNames([4]int{6, 12, 36, 24})},
		{"a DenseNet-169 state dict", denseNetNames([4]int{6, 12, 32, 32})},
		{"a DenseNet-201 state dict", denseNetNames([4]int{6, 12, 48, 32})},
		{"a DenseNet-121 state dict", namesOf("conv2_block{1..6}_0_bn/gamma", "conv2_block{1..6}_{1..2}_conv/kernel", "conv3_block{1..12}_{1..2}_conv/kernel", "conv4_block{1..24}_{1..2}_conv/kernel", "conv5_block{1..16}_{1..2}_conv/kernel")},
		{"a VGG-11 state dict", vggNames(8)},
		{"a VGG-13 state dict", vggNames(10)},
		{"a VGG-16 state dict", vggNames(13)},
		{"a VGG-19 state dict with batch norm", append(vggNames(16), "features.1.running_mean")},
		{"a VGG-16 (Keras)", namesOf("block{1..5}_conv{1..3}/kernel", "fc1/kernel")},
		{"an AlexNet state dict", vggNames(5)},
		{"a MobileNetV3 (timm)", namesOf("conv_stem.weight", "blocks.0.0.conv_dw.weight", "blocks.0.0.se.conv_reduce.weight", "conv_head.weight", "conv_head.bias")},
		{"a MobileNetV3 (torchvision)", namesOf("features.0.0.weight", "features.{1..11}.block.0.0.weight", "classifier.0.weight", "classifier.3.weight")},
		{"a MobileNetV3 (Keras)", namesOf("expanded_conv_1/expand/kernel", "expanded_conv_3/squeeze_excite/Conv/kernel")},
		{"a MobileNetV4 (timm)", namesOf("conv_stem.weight", "blocks.1.0.dw_start.conv.weight", "blocks.1.0.pw_exp.conv.weight")},
		{"timm's mobilenetv1_100h", namesOf("conv_stem.weight", "blocks.{0..4}.{0..1}.conv_dw.weight", "blocks.{0..4}.{0..1}.conv_pw.weight", "conv_head.weight", "bn2.weight")},
		{"an EfficientNet state dict (timm)", namesOf("conv_stem.weight", "blocks.1.0.conv_pwl.weight", "blocks.1.0.se.conv_reduce.weight", "conv_head.weight", "bn2.weight")},
		{"an EfficientNet state dict (torchvision)", namesOf("features.0.0.weight", "features.1.0.block.0.0.weight", "features.{2..7}.{0..1}.block.{0..1}.0.weight", "classifier.1.weight")},
		{"an EfficientNet state dict (efficientnet_pytorch)", namesOf("_conv_stem.weight", "_blocks.0._depthwise_conv.weight", "_conv_head.weight")},
		{"an EfficientNet (Keras)", namesOf("block1a_dwconv/kernel", "block1a_project_conv/kernel")},
		{"a Vision Transformer (ViT) state dict", namesOf("cls_token", "pos_embed", "patch_embed.proj.weight", "blocks.{0..11}.attn.qkv.weight")},
		{"a Vision Transformer (ViT) state dict", namesOf("class_token", "conv_proj.weight", "encoder.layers.encoder_layer_{0..11}.ln_1.weight")},
		{"a Vision Transformer (ViT) state dict", namesOf("vit.embeddings.cls_token", "vit.encoder.layer.{0..11}.attention.attention.query.weight")},
		{"a Swin Transformer state dict", namesOf("layers.0.blocks.0.attn.relative_position_bias_table", "layers.0.blocks.0.attn.qkv.weight")},
		{"a ConvNeXt state dict", namesOf("stem.0.weight", "stages.{0..3}.blocks.{0..2}.conv_dw.weight", "stages.{0..3}.blocks.{0..2}.gamma")},
		{"a ConvNeXt state dict", namesOf("features.0.0.weight", "features.1.0.layer_scale", "features.1.0.block.0.weight", "classifier.2.weight")},
		{"an Inception v3 state dict", namesOf("Conv2d_1a_3x3.conv.weight", "Mixed_5b.branch1x1.conv.weight")},
		{"a SqueezeNet state dict", namesOf("features.0.weight", "features.3.squeeze.weight")},
		{"a ShuffleNet v2 state dict", namesOf("conv1.0.weight", "stage2.0.branch1.0.weight")},
		{"a transformer for text", namesOf("bert.encoder.layer.0.attention.self.query.weight")},
	} {
		t.Run(c.want, func(t *testing.T) {
			for _, prefix := range []string{"", "module."} {
				var s State
				for _, name := range c.names {
					shape := []int{8, 8, 3, 3}
					if strings.HasSuffix(name, ".bias") || strings.HasSuffix(name, "running_mean") || strings.HasSuffix(name, "gamma") {
						shape = []int{8}
					}
					if strings.HasPrefix(name, "classifier.") || strings.HasPrefix(name, "fc.") {
						shape = []int{8, 8}
					}
					if strings.Contains(name, "/") {
						s.Keras = true
						s.Arrays = append(s.Arrays, constant(name, 0, shape...))
						continue
					}
					s.Arrays = append(s.Arrays, constant(prefix+name, 0, shape...))
				}
				_, err := Weights(s, Options{})
				if !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "it is "+c.want) {
					t.Errorf("error %v, want %q", err, c.want)
				}
			}
		})
	}
}

// TestOtherNetworksAreOther: none of the tools' own MobileNets is taken for another network.
func TestOtherNetworksAreOther(t *testing.T) {
	for name, p := range peerFiles(t) {
		s := p.state()
		arrays, err := normalize(s.Arrays, s.Keras)
		if err != nil {
			t.Fatal(err)
		}
		if other := otherNetwork(arrays); other != "" {
			t.Errorf("%s: %s", name, other)
		}
	}
}
