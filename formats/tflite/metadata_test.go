package tflite

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"math"
	"slices"
	"testing"

	"depthwise.dev/weights"
)

// TestClassNames: the zip behind the model has them a line each, the metadata unchanged.
func TestClassNames(t *testing.T) {
	for _, c := range []struct {
		name    string
		classes []string
		want    string
	}{
		{"letters", []string{"a", "b", "c"}, "a\nb\nc\n"},
		{"UTF-8 and spaces", []string{"größe", "日本 語", "\u0301"}, "größe\n日本 語\n\u0301\n"},
		{"line breaks, quotes, nothing", []string{"a\r\nb", `"`, ""}, "a  b\n\"\n\n"},
	} {
		w := kinds[0].weights(t)
		w.Classes = c.classes
		file := written(t, w, Options{})
		archive, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		member, err := archive.Open("labels.txt")
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(member); string(text) != c.want || err != nil {
			t.Errorf("%s: %q, error %v; want %q", c.name, text, err, c.want)
		}
		// Android's library maps members: they are stored, with their sizes in the local header.
		if h := archive.File[0]; h.Method != zip.Store || h.Flags&8 != 0 {
			t.Errorf("%s: method %d, flags %#x", c.name, h.Method, h.Flags)
		}
		var meta map[string]string
		var classes []string
		if err := json.Unmarshal(parse(t, file).metadata[MetadataName], &meta); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(meta["classes"]), &classes); err != nil || !slices.Equal(classes, c.classes) {
			t.Errorf("%s: classes %q in the metadata, error %v", c.name, classes, err)
		}
	}
}

// TestMetadata: the entries of the weights' own file, and what TensorFlow Lite's libraries read.
func TestMetadata(t *testing.T) {
	w := kinds[0].weights(t)
	w.Meta = map[string]string{weights.MetaBest: `{"epoch":3}`}
	if err := w.SetPublishedOrigin(weights.Origin{Name: "timm/x", License: "Apache-2.0"}); err != nil {
		t.Fatal(err)
	}
	p := parse(t, written(t, w, Options{Producer: "depthwise v1"}))
	if p.description != "case convolutions with batch norms, depthwise v1" {
		t.Errorf("description %q", p.description)
	}
	f, err := w.File()
	if err != nil {
		t.Fatal(err)
	}
	want, err := json.Marshal(f.Meta)
	if err != nil || !bytes.Equal(p.metadata[MetadataName], want) {
		t.Errorf("metadata %s, want %s", p.metadata[MetadataName], want)
	}
	m := p.metadata["TFLITE_METADATA"]
	if string(m[4:8]) != "M001" {
		t.Fatalf("identifier %q", m[4:8])
	}
	root := table{m, follow(m, 0)}
	if root.string(0) != w.Graph.Name || root.string(5) != "Apache-2.0" || root.string(7) != "1.0.0" {
		t.Errorf("name %q, license %q, parser %q", root.string(0), root.string(5), root.string(7))
	}
	subgraph := root.tables(3)[0]
	in, out := subgraph.tables(2)[0], subgraph.tables(3)[0]
	image := in.table(3).table(1)
	if in.string(0) != "input" || in.table(3).byte(0) != 2 || image.byte(0) != 1 || image.table(1).number(0, 0) != 8 || image.table(1).number(1, 0) != 9 {
		t.Errorf("input %q: content %d, color space %d, %dx%d", in.string(0), in.table(3).byte(0), image.byte(0), image.table(1).number(0, 0), image.table(1).number(1, 0))
	}
	unit := in.tables(4)[0]
	if mean, std := unit.table(1).floats(0), unit.table(1).floats(1); unit.byte(0) != 1 || !near(mean, 123.675, 116.28, 103.53) || !near(std, 58.395, 57.12, 57.375) {
		t.Errorf("normalization %d: mean %v, std %v", unit.byte(0), mean, std)
	}
	labels := out.tables(6)[0]
	if out.string(0) != "logits" || labels.string(0) != "labels.txt" || labels.byte(2) != 2 {
		t.Errorf("output %q: file %q of type %d", out.string(0), labels.string(0), labels.byte(2))
	}
}

func near(got []float32, want ...float64) bool {
	return slices.EqualFunc(got, want, func(a float32, b float64) bool { return math.Abs(float64(a)-b) < 1e-4 })
}

// TestMetadataOfPixels: there is no normalization to do before a network that normalizes, nor one for what is no image.
func TestMetadataOfPixels(t *testing.T) {
	for _, c := range []struct {
		name  string
		g     graph
		o     Options
		image bool
	}{
		{"pixels", kinds[0], Options{Uint8Input: true}, true},
		{"two channels", kinds[2], Options{}, false},
	} {
		m := parse(t, written(t, c.g.weights(t), c.o)).metadata["TFLITE_METADATA"]
		in := table{m, follow(m, 0)}.tables(3)[0].tables(2)[0]
		if image := in.field(3) > 0; image != c.image || len(in.tables(4)) > 0 {
			t.Errorf("%s: image %v, %d process units", c.name, image, len(in.tables(4)))
		}
	}
}
