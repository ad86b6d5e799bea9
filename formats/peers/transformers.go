package peers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"depthwise.dev/data"
	"depthwise.dev/models"
	"depthwise.dev/weights"
)

// TransformersConfig returns the content of config.json and preprocessor_config.json, which [Weights] reads, for a network of
// [Transformers]. The error is [ErrForeign] for preprocessing that its image processors do not have.
func (f Foreign) TransformersConfig(w weights.Weights) (model, processor map[string]any, err error) {
	names := map[string]string{"mobilenet_v1": "MobileNetV1", "mobilenet_v2": "MobileNetV2"}
	c := f.Config
	id2label, label2id, err := labels(w.Classes)
	if err != nil {
		return nil, nil, err
	}
	model = map[string]any{
		"architectures": []string{names[c.Arch] + "ForImageClassification"}, "model_type": c.Arch,
		"depth_multiplier": c.Width, "image_size": c.Resolution, "num_channels": 3, "min_depth": 8,
		"hidden_act": c.Activation, "tf_padding": c.Padding == models.Same, "layer_norm_eps": c.BNEps,
		"classifier_dropout_prob": c.Dropout, "id2label": id2label, "label2id": label2id,
	}
	if w.MultiLabel() { // by which pipelines choose between sigmoid and softmax
		model["problem_type"] = "multi_label_classification"
	}
	if c.Arch == "mobilenet_v2" {
		model["depth_divisible_by"], model["expand_ratio"], model["output_stride"] = 8, 6.0, 32
		model["first_layer_is_expansion"], model["finegrained_output"] = true, true
	}
	processor, err = transformersProcessor(w.Preprocess)
	if err != nil {
		return nil, nil, err
	}
	processor["image_processor_type"] = names[c.Arch] + "ImageProcessor"
	return model, processor, nil
}

// transformersProcessor is the configuration of an image processor.
func transformersProcessor(p data.Preprocess) (map[string]any, error) {
	if p.Fit != "" && p.Fit != data.FitCrop {
		return nil, fmt.Errorf("Transformers %w: its image processors crop the center, the preprocessing of the weights is %s", ErrForeign, p.Fit)
	}
	resample := bilinear
	if p.Interpolation == data.Bicubic {
		resample = bicubic
	}
	return map[string]any{
		"do_resize": true, "size": map[string]int{"shortest_edge": p.Shorter()}, "resample": resample,
		"do_center_crop": true, "crop_size": map[string]int{"height": p.Resolution, "width": p.Resolution},
		"do_rescale": true, "rescale_factor": 1.0 / 255, "do_normalize": true, "image_mean": p.Mean, "image_std": p.Std,
	}, nil
}

// labels are id2label and label2id in the order of the classes. Of classes with equal names, label2id has the first.
func labels(classes []string) (id2label, label2id json.RawMessage, err error) {
	var ids, names bytes.Buffer
	seen := map[string]bool{}
	for i, class := range classes {
		name, err := json.Marshal(class)
		if err != nil {
			return nil, nil, fmt.Errorf("peers: class %d: %w", i, err)
		}
		fmt.Fprintf(&ids, "%c%q:%s", separator(i > 0), strconv.Itoa(i), name)
		if !seen[class] {
			fmt.Fprintf(&names, "%c%s:%d", separator(len(seen) > 0), name, i)
			seen[class] = true
		}
	}
	return append(ids.Bytes(), '}'), append(names.Bytes(), '}'), nil
}

// separator comes before an entry of a JSON object.
func separator(later bool) byte {
	if later {
		return ','
	}
	return '{'
}
