package kerasmodel

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"depthwise.dev/models/mobilenet"
)

// TestNamesOfKeras: layers with variables have the names, the order and the shapes of Keras' own networks, which
// backend/testdata/make_peers.py recorded.
func TestNamesOfKeras(t *testing.T) {
	for _, name := range []string{"v1_keras_0.3_64", "v1_article_0.3_75", "v2_keras_0.35_64"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "backend", "testdata", "peers", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var peer struct {
			Arch, Variant string
			Width         float64
			Resolution    int
			Arrays        []struct {
				Name  string
				Shape []int
			}
		}
		if err := json.Unmarshal(text, &peer); err != nil {
			t.Fatal(err)
		}
		c, err := mobilenet.Default(peer.Arch, peer.Variant)
		if err != nil {
			t.Fatal(err)
		}
		c.Width, c.Resolution, c.Classes = peer.Width, peer.Resolution, peer.Arrays[len(peer.Arrays)-1].Shape[0]
		g, err := c.Graph()
		if err != nil {
			t.Fatal(err)
		}
		m, err := New(g, Options{Config: &c})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, l := range m.Layers {
			for _, v := range l.Variables {
				if n >= len(peer.Arrays) {
					t.Fatalf("%s: more than %d variables", name, n)
				}
				if want := peer.Arrays[n]; l.Name+"/"+v.Name != want.Name || !slices.Equal(v.Shape, want.Shape) {
					t.Fatalf("%s: variable %d is %s/%s %v, Keras has %s %v", name, n, l.Name, v.Name, v.Shape, want.Name, want.Shape)
				}
				n++
			}
		}
		if n != len(peer.Arrays) {
			t.Errorf("%s: %d variables, Keras has %d", name, n, len(peer.Arrays))
		}
	}
}

// TestApplicationsNames: the layers without variables have the names of keras.applications too.
func TestApplicationsNames(t *testing.T) {
	for _, c := range []struct {
		arch string
		want []string // in this order
	}{
		{"mobilenet_v1", []string{"input_layer", "conv1", "conv1_bn", "conv1_relu", "conv_dw_1", "conv_dw_1_bn", "conv_dw_1_relu", "conv_pw_1", "conv_pw_1_bn",
			"conv_pw_1_relu", "conv_pad_2", "conv_dw_2", "conv_pad_12", "conv_pw_13_relu", "global_average_pooling2d", "dropout", "conv_preds", "reshape_2", "predictions"}},
		{"mobilenet_v2", []string{"input_layer", "Conv1", "bn_Conv1", "Conv1_relu", "expanded_conv_depthwise", "expanded_conv_depthwise_BN", "expanded_conv_depthwise_relu",
			"expanded_conv_project", "expanded_conv_project_BN", "block_1_expand", "block_1_expand_BN", "block_1_expand_relu", "block_1_depthwise", "block_2_add",
			"block_16_project_BN", "Conv_1", "Conv_1_bn", "out_relu", "global_average_pooling2d", "predictions"}},
	} {
		config, err := mobilenet.Default(c.arch, "keras")
		if err != nil {
			t.Fatal(err)
		}
		g, err := config.Graph()
		if err != nil {
			t.Fatal(err)
		}
		m, err := New(g, Options{Config: &config})
		if err != nil {
			t.Fatal(err)
		}
		at := -1
		for _, name := range c.want {
			i := slices.IndexFunc(m.Layers, func(l *Layer) bool { return l.Name == name })
			if i <= at {
				t.Errorf("%s: layer %q is at %d, after one at %d", c.arch, name, i, at)
			}
			at = i
		}
	}
}

func TestIdentifier(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"conv2d_1", "conv2d_1"}, {"blocks.1.0.conv_dw", "blocks_1_0_conv_dw"}, {"a/b c", "a_b_c"}, {"Größe", "Gr__e"}, {"漢字", "re_lu"}, {"", "re_lu"},
		{"1st", "layer_1st"}, {"_x", "layer__x"}, {string(make([]byte, 300)) + "x", "re_lu"},
	} {
		if got := identifier(c.name, "ReLU"); got != c.want {
			t.Errorf("%q is named %q, want %q", c.name, got, c.want)
		}
	}
}
