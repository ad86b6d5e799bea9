package hub

import (
	"fmt"
	"strings"

	"depthwise.dev/data"
	"depthwise.dev/weights"
	"depthwise.dev/weights/imagenet"
)

// Known is a row of the table of published weights.
type Known struct {
	Name    string   // such as torchvision/mobilenet_v2
	Aliases []string // other names

	Arch, Variant string // of package mobilenet
	Width         float64
	// Preprocess is that of these weights' evaluation, which can differ from that of other weights of the architecture.
	Preprocess data.Preprocess

	// Address is that of the file; "" for a repository on Hugging Face, which Repository names as ORG/NAME.
	Address, Repository string
	// SHA256 is the digest that the publisher states in hexadecimal digits, or its beginning; "" if it states none.
	SHA256 string

	License, LicenseURL string // an SPDX identifier as the publisher states it; weights.LicenseNotStated
	Dataset             string // that they were trained on: imagenet.Dataset
	// Top1 is the published top-1 accuracy in percent at the resolution of Preprocess, 0 where the publisher states none.
	Top1 float64
	// Facts says where the values of the row come from.
	Facts string
}

// All returns the table of known weights, in the order of its rows.
func All() []Known { return append([]Known{}, known...) }

// known is the table. To add weights, add a row.
var known = concat(timmWeights, torchvisionWeights, kerasV1(), kerasV2(), googleWeights)

// Normalizations of pixels from 0 to 1.
var (
	imagenetMean = [3]float64{0.485, 0.456, 0.406} // timm's IMAGENET_DEFAULT_MEAN, torchvision's ImageClassification
	imagenetStd  = [3]float64{0.229, 0.224, 0.225}
	half         = [3]float64{0.5, 0.5, 0.5} // timm's IMAGENET_INCEPTION_MEAN and _STD; x/127.5 - 1 in Keras
)

// timmWeights have the values of timm 1.0.31, timm/models/efficientnet.py (default_cfgs). timm resizes to
// floor(resolution / crop_pct). The accuracies are those of its model cards (v1) and of its results/results-imagenet.csv
// (v2), at 224 pixels.
var timmWeights = []Known{
	timm("mobilenetv1_100.ra4_e3600_r224_in1k", "mobilenet_v1", 1, 75.388, half, half, 256),
	timm("mobilenetv1_125.ra4_e3600_r224_in1k", "mobilenet_v1", 1.25, 76.920, half, half, 248), // crop_pct 0.9
	timm("mobilenetv2_050.lamb_in1k", "mobilenet_v2", 0.5, 65.950, imagenetMean, imagenetStd, 256),
	timm("mobilenetv2_100.ra_in1k", "mobilenet_v2", 1, 72.976, imagenetMean, imagenetStd, 256),
	timm("mobilenetv2_140.ra_in1k", "mobilenet_v2", 1.4, 76.520, imagenetMean, imagenetStd, 256),
}

func timm(name, arch string, width, top1 float64, mean, std [3]float64, resize int) Known {
	model, _, _ := strings.Cut(name, ".") // timm takes a name without a tag as its default tag
	return Known{
		Name: "timm/" + name, Aliases: []string{"timm/" + model}, Arch: arch, Variant: "timm", Width: width,
		Preprocess: data.Preprocess{Resolution: 224, Fit: data.FitCrop, Resize: resize, Mean: mean, Std: std, Interpolation: data.Bicubic},
		Repository: "timm/" + name, License: "apache-2.0", LicenseURL: "https://huggingface.co/timm/" + name,
		Dataset: imagenet.Dataset, Top1: top1, Facts: "timm 1.0.31, top-1 from its " + map[string]string{"mobilenet_v1": "model card", "mobilenet_v2": "results-imagenet.csv"}[arch],
	}
}

// torchvisionWeights have the values of torchvision 0.29.2, torchvision/models/mobilenetv2.py. The digits in a file's name
// begin its SHA-256; the whole digest of the first version was computed from the file.
var torchvisionWeights = []Known{
	torchvision("IMAGENET1K_V2", "mobilenet_v2-7ebf99e0.pth", "7ebf99e0", 72.154, 232, "torchvision/mobilenet_v2"),
	torchvision("IMAGENET1K_V1", "mobilenet_v2-b0353104.pth", "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889", 71.878, 256),
}

func torchvision(version, file, sha256 string, top1 float64, resize int, aliases ...string) Known {
	return Known{
		Name: "torchvision/mobilenet_v2." + version, Aliases: aliases, Arch: "mobilenet_v2", Variant: "torchvision", Width: 1,
		Preprocess: data.Preprocess{Resolution: 224, Fit: data.FitCrop, Resize: resize, Mean: imagenetMean, Std: imagenetStd, Interpolation: data.Bilinear},
		Address:    "https://download.pytorch.org/models/" + file, SHA256: sha256,
		License: "bsd-3-clause", LicenseURL: "https://github.com/pytorch/vision/blob/main/LICENSE",
		Dataset: imagenet.Dataset, Top1: top1, Facts: "torchvision 0.29.2",
	}
}

// kerasV1 has the file names of Keras 3.15.1, keras/src/applications/mobilenet.py, and the accuracies of Keras Applications
// 1.0.8, which states them for width 1 and for 224 pixels.
func kerasV1() []Known {
	stated := map[string]float64{"1_0_224": 70.6, "1_0_192": 69.1, "1_0_160": 67.2, "1_0_128": 64.4, "7_5_224": 68.4, "5_0_224": 63.7, "2_5_224": 50.6}
	var rows []Known
	for _, width := range []float64{1, 0.75, 0.5, 0.25} {
		for _, resolution := range []int{224, 192, 160, 128} {
			name := map[float64]string{1: "1_0", 0.75: "7_5", 0.5: "5_0", 0.25: "2_5"}[width] + fmt.Sprintf("_%d", resolution)
			rows = append(rows, keras("mobilenet_v1", width, resolution, stated[name], "mobilenet_"+name, "mobilenet/mobilenet_"+name+"_tf.h5"))
		}
	}
	return rows
}

// kerasV2 has the file names of Keras 3.15.1, keras/src/applications/mobilenet_v2.py, and the accuracies of Keras
// Applications 1.0.8: from 224 pixels down to 96.
func kerasV2() []Known {
	stated := []struct {
		width float64
		top1  []float64
	}{
		{1.4, []float64{75.0}},
		{1.3, []float64{74.4}},
		{1, []float64{71.8, 70.7, 68.8, 65.3, 60.3}},
		{0.75, []float64{69.8, 68.7, 66.4, 63.2, 58.8}},
		{0.5, []float64{65.4, 63.9, 61.0, 57.7, 51.2}},
		{0.35, []float64{60.3, 58.2, 55.7, 50.8, 45.5}},
	}
	var rows []Known
	for _, s := range stated {
		alpha := fmt.Sprint(s.width)
		if s.width == 1 {
			alpha = "1.0" // Python's str(float)
		}
		for i, top1 := range s.top1 {
			resolution := []int{224, 192, 160, 128, 96}[i]
			name := fmt.Sprintf("mobilenet_v2_%s_%d", alpha, resolution)
			file := fmt.Sprintf("mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_%s_%d.h5", alpha, resolution)
			rows = append(rows, keras("mobilenet_v2", s.width, resolution, top1, name, file))
		}
	}
	return rows
}

// keras resizes images to the resolution without a crop (load_img with target_size in its examples); a crop of the whole
// shorter side comes closest.
func keras(arch string, width float64, resolution int, top1 float64, name, file string) Known {
	return Known{
		Name: "keras/" + name, Arch: arch, Variant: "keras", Width: width,
		Preprocess: data.Preprocess{Resolution: resolution, Fit: data.FitCrop, Mean: half, Std: half, Interpolation: data.Bilinear},
		Address:    "https://storage.googleapis.com/tensorflow/keras-applications/" + file,
		License:    weights.LicenseNotStated, LicenseURL: "https://keras.io/api/applications/",
		Dataset: imagenet.Dataset, Top1: top1, Facts: "Keras 3.15.1, Keras Applications 1.0.8",
	}
}

// googleWeights are TF-slim's checkpoints in the layout of Transformers, with 1001 classes. Their pages state the license
// "other". Accuracies: TF-slim's (mobilenet_v1.md; those of v2 as Keras Applications repeats them).
var googleWeights = []Known{
	google("mobilenet_v1_1.0_224", "mobilenet_v1", 1, 224, 70.9),
	google("mobilenet_v1_0.75_192", "mobilenet_v1", 0.75, 192, 67.2),
	google("mobilenet_v2_1.4_224", "mobilenet_v2", 1.4, 224, 75.0),
	google("mobilenet_v2_1.0_224", "mobilenet_v2", 1, 224, 71.8),
	google("mobilenet_v2_0.75_160", "mobilenet_v2", 0.75, 160, 66.4),
}

func google(name, arch string, width float64, resolution int, top1 float64) Known {
	return Known{
		Name: "google/" + name, Arch: arch, Variant: "hf", Width: width,
		// The repository's preprocessor_config.json applies; its default is 256 and 224 pixels.
		Preprocess: data.Preprocess{Resolution: resolution, Fit: data.FitCrop, Mean: half, Std: half, Interpolation: data.Bilinear},
		Repository: "google/" + name, License: "other", LicenseURL: "https://huggingface.co/google/" + name,
		Dataset: imagenet.Dataset, Top1: top1, Facts: "TF-slim",
	}
}

func concat(lists ...[]Known) []Known {
	var all []Known
	for _, l := range lists {
		all = append(all, l...)
	}
	return all
}
