package peers

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"depthwise.dev/data"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

// half is the mean and standard deviation of TensorFlow's MobileNets.
var half = [3]float64{0.5, 0.5, 0.5}

// TestHFConfiguration reads config.json and preprocessor_config.json as Transformers write them.
func TestHFConfiguration(t *testing.T) {
	pre := data.Preprocess{Resolution: 224, Fit: data.FitCrop, Mean: half, Std: half, Interpolation: data.Bilinear}
	for _, c := range []struct {
		name, config, preprocessor string
		network                    func(*mobilenet.Config)
		want                       func(*data.Preprocess)
		origin                     string
	}{
		{"defaults", `{"model_type":"mobilenet_v1"}`, "", nil, nil, "preprocessing is the variant's default"},
		{"all fields of the network", `{"model_type":"mobilenet_v1","depth_multiplier":0.25,"image_size":192,"hidden_act":"relu","tf_padding":false,"classifier_dropout_prob":0.1,"layer_norm_eps":0.01}`, "",
			func(n *mobilenet.Config) {
				n.Resolution, n.Activation, n.Padding, n.Dropout, n.BNEps = 192, models.ReLU, models.Symmetric, 0.1, 0.01
			}, func(p *data.Preprocess) { p.Resolution = 192 }, ""},
		{"ImageNet's preprocessor", `{"model_type":"mobilenet_v1"}`, `{"crop_size":{"height":224,"width":224},"do_center_crop":true,"do_normalize":true,"do_rescale":true,"do_resize":true,"image_mean":[0.5,0.5,0.5],"image_std":[0.5,0.5,0.5],"resample":2,"rescale_factor":0.00392156862745098,"size":{"shortest_edge":256}}`,
			nil, func(p *data.Preprocess) { p.Resize = 256 }, "config.json and preprocessor_config.json"},
		{"sizes as numbers", `{"model_type":"mobilenet_v1"}`, `{"crop_size":192,"size":{"shortest_edge":220}}`,
			func(n *mobilenet.Config) { n.Resolution = 192 }, func(p *data.Preprocess) { p.Resolution, p.Resize = 192, 220 }, ""},
		{"the crop decides the resolution", `{"model_type":"mobilenet_v1","image_size":224}`, `{"crop_size":{"height":160,"width":160},"size":{"shortest_edge":180}}`,
			func(n *mobilenet.Config) { n.Resolution = 160 }, func(p *data.Preprocess) { p.Resolution, p.Resize = 160, 180 }, ""},
		{"no crop", `{"model_type":"mobilenet_v1"}`, `{"do_center_crop":false,"size":{"height":128,"width":128}}`,
			func(n *mobilenet.Config) { n.Resolution = 128 }, func(p *data.Preprocess) { p.Resolution, p.Resize = 128, 128 }, "cropped, not stretched"},
		{"ImageNet's mean", `{"model_type":"mobilenet_v1"}`, `{"image_mean":[0.485,0.456,0.406],"image_std":[0.229,0.224,0.225]}`,
			nil, func(p *data.Preprocess) {
				p.Mean, p.Std = [3]float64{0.485, 0.456, 0.406}, [3]float64{0.229, 0.224, 0.225}
			}, ""},
		{"no normalization", `{"model_type":"mobilenet_v1"}`, `{"do_normalize":false}`, nil, func(p *data.Preprocess) { p.Mean, p.Std = [3]float64{}, [3]float64{1, 1, 1} }, ""},
		{"another scale", `{"model_type":"mobilenet_v1"}`, `{"rescale_factor":0.00784313725490196,"image_mean":[1],"image_std":[1]}`, nil, nil, ""}, // x/127.5 - 1
		{"bicubic", `{"model_type":"mobilenet_v1"}`, `{"resample":3}`, nil, func(p *data.Preprocess) { p.Interpolation = data.Bicubic }, ""},
		{"nearest", `{"model_type":"mobilenet_v1"}`, `{"resample":0}`, nil, nil, "bilinear interpolation, not as resample 0 says"},
		{"of timm", `{"architecture":"resnet50"}`, "", nil, nil, "the variant's defaults"},
		{"of another tool", `{"hello":1}`, "", func(n *mobilenet.Config) {}, nil, "the variant's defaults"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := stateOf(t, &schemes[3], config(t, "mobilenet_v1", "hf", 0.25))
			s.Files = map[string][]byte{"config.json": []byte(c.config)}
			if c.preprocessor != "" {
				s.Files["preprocessor_config.json"] = []byte(c.preprocessor)
			}
			w, err := Weights(s, Options{})
			if err != nil {
				t.Fatal(err)
			}
			network, want := config(t, "mobilenet_v1", "hf", 0.25), pre
			if c.network != nil {
				c.network(&network)
			}
			if c.want != nil {
				c.want(&want)
			}
			if *w.Config != network {
				t.Errorf("network %+v, want %+v", *w.Config, network)
			}
			if !samePreprocess(w.Preprocess, want) {
				t.Errorf("preprocessing %+v, want %+v", w.Preprocess, want)
			}
			if !strings.Contains(w.Origin, c.origin) {
				t.Errorf("%q, want %q", w.Origin, c.origin)
			}
		})
	}
}

// samePreprocess compares means and deviations within the rounding of 1/255.
func samePreprocess(a, b data.Preprocess) bool {
	for i := range 3 {
		if math.Abs(a.Mean[i]-b.Mean[i]) > 1e-9 || math.Abs(a.Std[i]-b.Std[i]) > 1e-9 {
			return false
		}
	}
	a.Mean, a.Std = b.Mean, b.Std
	return a == b
}

// TestConfiguredWidth: of several widths with the same channels, the configured one is taken.
func TestConfiguredWidth(t *testing.T) {
	s := stateOf(t, &schemes[4], config(t, "mobilenet_v2", "hf", 0.5))
	s.Files = map[string][]byte{"config.json": []byte(`{"model_type":"mobilenet_v2","depth_multiplier":0.501}`)}
	if w, err := Weights(s, Options{}); err != nil || w.Config.Width != 0.501 {
		t.Error(w.Config, err)
	}
}

func TestClassNames(t *testing.T) {
	for _, c := range []struct {
		name, labels, want string
	}{
		{"names", `{"0":"a","1":"b","2":"c","3":"d","4":"e","5":"f","6":"ü"}`, "ü"},
		{"placeholders", `{"0":"LABEL_0","1":"LABEL_1","2":"LABEL_2","3":"LABEL_3","4":"LABEL_4","5":"LABEL_5","6":"LABEL_6"}`, "6"},
		{"none", `{}`, "6"},
		{"too few", `{"0":"a"}`, "1 class names for 7 outputs"},
		{"a gap", `{"0":"a","2":"b"}`, "none for 1"},
	} {
		s := stateOf(t, &schemes[3], config(t, "mobilenet_v1", "hf", 0.25))
		s.Files = map[string][]byte{"config.json": []byte(`{"model_type":"mobilenet_v1","id2label":` + c.labels + `}`)}
		w, err := Weights(s, Options{})
		if err != nil && !(errors.Is(err, ErrConfig) && strings.Contains(err.Error(), c.want)) || err == nil && w.Classes[6] != c.want {
			t.Errorf("%s: %q, %v; want %q", c.name, w.Classes, err, c.want)
		}
	}
}

// TestConfigurationRefuses: what is not computed is an error, not ignored.
func TestConfigurationRefuses(t *testing.T) {
	for _, c := range []struct{ name, config, preprocessor, want string }{
		{"not JSON", `{`, "", "config.json"},
		{"of another network", `{"model_type":"resnet"}`, "", "config.json is of resnet, the arrays have the names of Hugging Face's MobileNetV1"},
		{"of MobileNetV2", `{"model_type":"mobilenet_v2"}`, "", "config.json is of mobilenet_v2"},
		{"gray images", `{"model_type":"mobilenet_v1","num_channels":1}`, "", "num_channels 1; only 3"},
		{"output stride", `{"model_type":"mobilenet_v1","output_stride":16}`, "", "output_stride 16; only 32"},
		{"expansion", `{"model_type":"mobilenet_v1","expand_ratio":4}`, "", "expand_ratio 4; only 6"},
		{"smallest depth", `{"model_type":"mobilenet_v1","min_depth":4}`, "", "min_depth 4; only 8"},
		{"activation", `{"model_type":"mobilenet_v1","hidden_act":"gelu"}`, "", `activation "gelu"`},
		{"epsilon", `{"model_type":"mobilenet_v1","layer_norm_eps":-1}`, "", "bn_eps"},
		{"dropout", `{"model_type":"mobilenet_v1","classifier_dropout_prob":2}`, "", "dropout"},
		{"resolution", `{"model_type":"mobilenet_v1","image_size":-5}`, `{"crop_size":1000000}`, "resolution"},
		{"width", `{"model_type":"mobilenet_v1","depth_multiplier":1e9}`, "", "width"},
		{"preprocessor is no JSON", `{"model_type":"mobilenet_v1"}`, "[", "preprocessor_config.json"},
		{"no square", `{"model_type":"mobilenet_v1"}`, `{"crop_size":{"height":224,"width":192}}`, "crop_size 192x224"},
		{"size is no square", `{"model_type":"mobilenet_v1"}`, `{"size":{"height":224,"width":192}}`, "size 192x224"},
		{"two colors", `{"model_type":"mobilenet_v1"}`, `{"image_mean":[0.5,0.5]}`, "2 numbers for three colors"},
		{"deviation 0", `{"model_type":"mobilenet_v1"}`, `{"image_std":[0,0,0]}`, "standard deviation"},
		{"scale 0", `{"model_type":"mobilenet_v1"}`, `{"rescale_factor":0}`, "standard deviation"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := stateOf(t, &schemes[3], config(t, "mobilenet_v1", "hf", 0.25))
			s.Files = map[string][]byte{"config.json": []byte(c.config)}
			if c.preprocessor != "" {
				s.Files["preprocessor_config.json"] = []byte(c.preprocessor)
			}
			if _, err := Weights(s, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// TestTimmConfiguration reads timm's config.json of the hub.
func TestTimmConfiguration(t *testing.T) {
	for _, c := range []struct {
		name, config string
		want         data.Preprocess
		class        string
		wrong        string
	}{
		{"of a tag", `{"architecture":"mobilenetv1_100","num_classes":7,"pretrained_cfg":{"tag":"ra4_e3600_r224_in1k","input_size":[3,224,224],"crop_pct":0.9,"interpolation":"bicubic","mean":[0.5,0.5,0.5],"std":[0.5,0.5,0.5]}}`,
			data.Preprocess{Resolution: 224, Fit: data.FitCrop, Resize: 248, Mean: half, Std: half, Interpolation: data.Bicubic}, "6", ""}, // int(224/0.9)
		{"names of classes", `{"architecture":"mobilenetv1_100","label_names":["a","b","c","d","e","f","g"]}`, data.Preprocess{Resolution: 224, Fit: data.FitCrop, Mean: half, Std: half, Interpolation: data.Bilinear}, "g", ""},
		{"another size", `{"architecture":"mobilenetv1_100","pretrained_cfg":{"input_size":[3,96,96]}}`, data.Preprocess{Resolution: 96, Fit: data.FitCrop, Mean: half, Std: half, Interpolation: data.Bilinear}, "6", ""},
		{"no square", `{"architecture":"mobilenetv1_100","pretrained_cfg":{"input_size":[3,96,64]}}`, data.Preprocess{}, "", "input_size [3 96 64]"},
		{"crop of 5", `{"architecture":"mobilenetv1_100","pretrained_cfg":{"crop_pct":5}}`, data.Preprocess{}, "", "crop_pct 5"},
		{"lanczos", `{"architecture":"mobilenetv1_100","pretrained_cfg":{"interpolation":"lanczos"}}`, data.Preprocess{Resolution: 224, Fit: data.FitCrop, Mean: half, Std: half, Interpolation: data.Bilinear}, "6", ""},
		{"another network", `{"architecture":"resnet50"}`, data.Preprocess{}, "", "config.json is of resnet50"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := stateOf(t, &schemes[0], config(t, "mobilenet_v1", "timm", 0.25))
			s.Files = map[string][]byte{"config.json": []byte(c.config)}
			w, err := Weights(s, Options{})
			if c.wrong != "" {
				if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), c.wrong) {
					t.Errorf("error %v, want %q", err, c.wrong)
				}
				return
			}
			if err != nil || w.Preprocess != c.want || w.Classes[6] != c.class {
				t.Errorf("%+v, class %v, %v; want %+v, %s", w.Preprocess, w.Classes, err, c.want, c.class)
			}
			if strings.Contains(c.config, "lanczos") != strings.Contains(w.Origin, "bilinear interpolation, not lanczos") {
				t.Error(w.Origin)
			}
		})
	}
}

// layersJSON is the configuration of a Keras model.
func layersJSON(layers ...string) []byte {
	return fmt.Appendf(nil, `{"class_name":"Functional","config":{"name":"model","layers":[%s]}}`, strings.Join(layers, ","))
}

// Zeros before a convolution, as the padding of a ZeroPadding2D.
const (
	zeros01 = "[[0,1],[0,1]]"
	zeros11 = "[[1,1],[1,1]]"
)

// windows are the 3x3 convolutions of MobileNet v1 with a padding of the first, of those of stride 1, and of stride 2.
func windows(stem, one, two string) []string {
	var layers []string
	for i, padding := range []string{stem, one, two, one, two, one, two, one, one, one, one, one, two, one} {
		class := "DepthwiseConv2D"
		if i == 0 {
			class = "Conv2D"
		}
		if padding[0] == '[' {
			layers = append(layers, `{"class_name":"ZeroPadding2D","config":{"name":"z","padding":`+padding+`}}`)
			padding = "valid"
		}
		layers = append(layers, fmt.Sprintf(`{"class_name":%q,"config":{"name":"w%d","kernel_size":[3,3],"padding":%q}}`, class, i, padding),
			`{"class_name":"Conv2D","config":{"name":"p","kernel_size":[1,1],"padding":"same"}}`)
	}
	return layers
}

// TestKerasConfiguration reads the configuration of Keras models.
func TestKerasConfiguration(t *testing.T) {
	const (
		input = `{"class_name":"InputLayer","config":{"batch_shape":[null,96,96,3],"name":"input"}}`
		norm  = `{"class_name":"BatchNormalization","config":{"epsilon":0.001,"momentum":0.99,"scale":true}}`
		relu6 = `{"class_name":"ReLU","config":{"max_value":6.0}}`
	)
	for _, c := range []struct {
		name   string
		layers []string
		change func(*mobilenet.Config)
		mean   [3]float64
		std    [3]float64
		wrong  string
	}{
		{"keras.applications", []string{input, norm, relu6}, func(n *mobilenet.Config) { n.Resolution = 96 }, half, half, ""},
		{"Keras 2", []string{`{"class_name":"InputLayer","config":{"batch_input_shape":[null,128,128,3]}}`, norm, relu6}, func(n *mobilenet.Config) { n.Resolution = 128 }, half, half, ""},
		{"any size", []string{`{"class_name":"InputLayer","config":{"batch_shape":[null,null,null,3]}}`}, func(*mobilenet.Config) {}, half, half, ""},
		{"other settings", []string{`{"class_name":"BatchNormalization","config":{"epsilon":0.01,"momentum":0.9}}`, `{"class_name":"Activation","config":{"activation":"relu"}}`},
			func(n *mobilenet.Config) { n.BNEps, n.BNMomentum, n.Activation = 0.01, 0.1, models.ReLU }, half, half, ""},
		{"a model in a model", []string{`{"class_name":"Functional","config":{"layers":[` + input + `]}}`}, func(n *mobilenet.Config) { n.Resolution = 96 }, half, half, ""},
		{"rescaling to 0..1", []string{`{"class_name":"Rescaling","config":{"scale":0.00392156862745098,"offset":0.0}}`}, func(*mobilenet.Config) {}, [3]float64{}, [3]float64{1, 1, 1}, ""},
		{"rescaling to -1..1", []string{`{"class_name":"Rescaling","config":{"scale":0.00784313725490196,"offset":-1}}`}, func(*mobilenet.Config) {}, half, half, ""},
		{"rescaling of each color", []string{`{"class_name":"Rescaling","config":{"scale":[1,2,3],"offset":0}}`}, nil, half, half, "a Rescaling layer"},
		{"another activation", []string{`{"class_name":"Activation","config":{"activation":"swish"}}`}, nil, half, half, `activation "swish"`},
		{"another limit", []string{`{"class_name":"ReLU","config":{"max_value":4.5}}`}, nil, half, half, `activation "relu4.5"`},
		{"two activations", []string{relu6, `{"class_name":"ReLU","config":{"max_value":null}}`}, nil, half, half, "different activations"},
		{"softmax", []string{`{"class_name":"Activation","config":{"activation":"softmax"}}`}, func(*mobilenet.Config) {}, half, half, ""},
		{"normalization of each color", []string{`{"class_name":"Normalization","config":{"mean":[51,102,127.5],"variance":[2601,10404,16256.25]}}`},
			func(*mobilenet.Config) {}, [3]float64{0.2, 0.4, 0.5}, [3]float64{0.2, 0.4, 0.5}, ""},
		{"normalization by statistics", []string{`{"class_name":"Normalization","config":{"mean":"m","variance":1}}`}, nil, half, half, "a Normalization layer"},
		{"padding of keras.applications", append(windows("same", "same", zeros01), input), func(n *mobilenet.Config) { n.Resolution = 96 }, half, half, ""},
		{"TensorFlow's padding", append(windows("same", "same", "same"), `{"class_name":"InputLayer","config":{"batch_shape":[null,100,100,3]}}`),
			func(n *mobilenet.Config) { n.Padding, n.Resolution = models.Same, 100 }, half, half, ""},
		{"PyTorch's padding", windows(zeros11, "same", zeros11), func(n *mobilenet.Config) { n.Padding = models.Symmetric }, half, half, ""},
		{"PyTorch's padding, zeros everywhere", windows(zeros11, zeros11, zeros11), func(n *mobilenet.Config) { n.Padding = models.Symmetric }, half, half, ""},
		{"no padding", windows("valid", "same", "valid"), nil, half, half, `the Keras layer "w0" has a padding that is not computed`},
		{"two paddings at strides of 2", windows(zeros11, "same", zeros01), nil, half, half, `has a padding that is not computed`},
		{"a residual", append(windows("same", "same", "same"), `{"class_name":"Add","config":{"name":"a"}}`), nil, half, half, "1 layers of class Add"},
		{"other layers", windows("valid", "valid", "valid")[:7], func(*mobilenet.Config) {}, half, half, ""},
		{"padding of another form", []string{`{"class_name":"ZeroPadding2D","config":{"name":"z","padding":"x"}}`}, nil, half, half, `layer "z": padding`},
		{"not JSON", []string{"{"}, nil, half, half, "configuration of the Keras model"},
		{"nested without end", []string{strings.Repeat(`{"config":{"layers":[`, 20) + strings.Repeat(`]}}`, 20)}, nil, half, half, "nested more than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := stateOf(t, &schemes[5], config(t, "mobilenet_v1", "keras", 0.25))
			s.KerasConfig = layersJSON(c.layers...)
			w, err := Weights(s, Options{})
			if c.wrong != "" {
				if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), c.wrong) {
					t.Errorf("error %v, want %q", err, c.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			want := config(t, "mobilenet_v1", "keras", 0.25)
			c.change(&want)
			if *w.Config != want {
				t.Errorf("network %+v, want %+v", *w.Config, want)
			}
			if !samePreprocess(w.Preprocess, data.Preprocess{Resolution: want.Resolution, Fit: data.FitCrop, Mean: c.mean, Std: c.std, Interpolation: data.Bilinear}) {
				t.Errorf("preprocessing %+v", w.Preprocess)
			}
		})
	}
}

// FuzzConfiguration: whatever the files say, the result is usable or an error.
func FuzzConfiguration(f *testing.F) {
	f.Add([]byte(`{"model_type":"mobilenet_v1","depth_multiplier":0.25,"id2label":{"0":"a"}}`), []byte(`{"crop_size":{"height":224,"width":224},"size":{"shortest_edge":256}}`), false, uint8(1))
	f.Add([]byte(`{"architecture":"mobilenetv1_100","pretrained_cfg":{"input_size":[3,224,224],"crop_pct":0.9}}`), []byte(nil), false, uint8(0))
	f.Add(layersJSON(`{"class_name":"InputLayer","config":{"batch_shape":[null,96,96,3]}}`, `{"class_name":"Rescaling","config":{"scale":1,"offset":0}}`), []byte(nil), true, uint8(0))
	m := config(f, "mobilenet_v1", "hf", 0.25)
	f.Fuzz(func(t *testing.T, first, second []byte, keras bool, which uint8) {
		s := State{Files: map[string][]byte{"config.json": first, "preprocessor_config.json": second}}
		if keras {
			s = State{KerasConfig: first}
		}
		c, err := s.configuration(&schemes[which%2*3])
		if err != nil {
			return
		}
		network := m
		if err := c.apply(&network); err != nil || network.Validate() != nil {
			return
		}
		p, err := c.preprocess(network)
		if err == nil && p.Validate() == nil && (p.Std[0] <= 0 || p.Resolution < 1) {
			t.Errorf("%+v", p)
		}
		widths(c.width, c.width)
	})
}
