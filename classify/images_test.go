package classify

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/data"
	"depthwise.dev/data/datasets"
	"depthwise.dev/internal/testset"
	"depthwise.dev/weights"
	"depthwise.dev/weights/weightstest"
)

// TestHeldOutImages: weights of a run with a validation split are evaluated on the images that it held
// out, and on all images of other data sets.
func TestHeldOutImages(t *testing.T) {
	dir := filepath.Join(testset.Images(t, 8, 0), "train") // no val folder
	source := datasets.Source{Path: dir, ValSplit: 0.25, Seed: 3}
	train, val, split, err := source.OpenSplit(t.Context())
	if err == nil {
		err = split.Identify(t.Context(), train, val)
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(split)
	if err != nil {
		t.Fatal(err)
	}
	source.Rule = datasets.ByOrder
	olderTrain, olderVal, err := source.Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other := testset.Images(t, 0, 5) // a val folder with names of dir, and other images
	if err := errors.Join(os.Rename(other+"/val/blue", other+"/val/x"), os.Rename(other+"/val/green", other+"/val/blue"), os.Rename(other+"/val/x", other+"/val/green")); err != nil {
		t.Fatal(err) // blue has the first images of the generator in both
	}
	older := map[string]string{weights.MetaData: data.Digest(olderTrain, olderVal)}
	for _, c := range []struct {
		name, data string
		meta       map[string]string
		want       *data.Dataset // nil: an error, or all 15 images of other
		which      string        // in the sentence or the error
	}{
		{"its data set", dir, map[string]string{weights.MetaSplit: string(text)}, val, "held out (--val-split 0.25)"},
		{"another one", filepath.Join(other, "val"), map[string]string{weights.MetaSplit: string(text)}, nil, "all 15 images"},
		{"the val of another one", other, map[string]string{weights.MetaSplit: string(text)}, nil, "all 15 images"},
		{"damaged", dir, map[string]string{weights.MetaSplit: "{"}, nil, "w.safetensors"},
		{"a checkpoint of an earlier version", dir, older, olderVal, "6 of 24 images: those that training held out (--val-split 0.25)"},
		{"the same with another data set", filepath.Join(other, "val"), older, nil, "DIR/val/CLASS"},
		{"the same with a val folder", other, older, nil, ""},
		{"weights of an earlier version", dir, nil, olderVal, "if the data set is the one of the training"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := weightstest.New(t)
			w.SetValSplit(0.25, 3)
			for key, value := range c.meta {
				w.Meta[key] = value
			}
			got, which, err := validationImages(t.Context(), w, EvalConfig{Weights: "w.safetensors", Data: c.data})
			if err != nil {
				which = err.Error()
			}
			if !strings.Contains(which, c.which) {
				t.Errorf("%q, want %q", which, c.which)
			}
			switch {
			case c.want == nil && err == nil && got.Len() != 15:
				t.Errorf("%d images, want all 15", got.Len())
			case c.want != nil && (err != nil || data.Digest(got) != data.Digest(c.want)):
				t.Errorf("%v, want the %d held out", err, c.want.Len())
			}
		})
	}
}
