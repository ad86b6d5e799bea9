package config

import (
	"testing"

	"depthwise.dev/data"
)

func TestPreprocess(t *testing.T) {
	imagenet := [2][3]float64{{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}}
	for _, c := range []struct {
		name    string
		sources Sources
		want    data.Preprocess
	}{
		{"paper", Sources{}, data.Preprocess{Resolution: 224, Fit: "crop", Resize: 256, Mean: imagenet[0], Std: imagenet[1], Interpolation: "bilinear"}},
		{"article divides by 255", Sources{Variant: "article"}, data.Preprocess{Resolution: 224, Fit: "crop", Resize: 256, Std: [3]float64{1, 1, 1}, Interpolation: "bilinear"}},
		{"mnist is padded", Sources{Data: "mnist"}, data.Preprocess{Resolution: 32, Fit: "pad", Mean: imagenet[0], Std: imagenet[1], Interpolation: "bilinear"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			config, err := c.sources.Config()
			if err != nil {
				t.Fatal(err)
			}
			if got := config.Preprocess(); got != c.want {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
			if err := config.Preprocess().Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}
