package classifier

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/png"
	"os"
	"strings"
	"testing"
)

// withHeader replaces text in the header of the small network's file.
func withHeader(t testing.TB, old, text string) []byte {
	t.Helper()
	start := len(Magic) + 4
	n := int(binary.LittleEndian.Uint32(weights[len(Magic):]))
	header := strings.Replace(string(weights[start:start+n]), old, text, 1)
	if header == string(weights[start:start+n]) {
		t.Fatalf("the header has no %q", old)
	}
	file := binary.LittleEndian.AppendUint32([]byte(Magic), uint32(len(header)))
	return append(append(file, header...), weights[start+n:]...)
}

// TestLoadRefuses: a damaged file is an error that says what is wrong.
func TestLoadRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"nothing", nil, "not a file of weights"},
		{"another version", append([]byte("DWGO0002"), weights[8:]...), "not a file of weights of this version"},
		{"truncated header", weights[:20], "header is truncated"},
		{"truncated arrays", weights[:len(weights)-1], "do not have the length"},
		{"longer", append(bytes.Clone(weights), 0), "do not have the length"},
		{"no JSON", withHeader(t, `{`, `[`), "header: "},
		{"type", withHeader(t, `"fp32"`, `"fp8"`), `unknown type of weights "fp8"`},
		{"kind", withHeader(t, `"max_pool"`, `"min_pool"`), `unknown kind "min_pool"`},
		{"activation", withHeader(t, `"relu6"`, `"gelu"`), `unknown activation function "gelu"`},
		{"groups", withHeader(t, `"groups":8`, `"groups":3`), "in 3 groups"},
		{"stride", withHeader(t, `"stride":2`, `"stride":0`), "stride 0"},
		{"a later layer", withHeader(t, `"inputs":[-1]`, `"inputs":[0]`), "reads layer 0"},
		{"no input", withHeader(t, `"inputs":[-1]`, `"inputs":[]`), "0 inputs"},
		{"addition", withHeader(t, `"inputs":[0,2]`, `"inputs":[0,-1]`), "adds"},
		{"negative padding", withHeader(t, `"rows":[0,1]`, `"rows":[-1,1]`), "padding [-1 1]"},
		{"enormous", withHeader(t, `"out":8`, `"out":2000000000`), "outputs"},
		{"classes", withHeader(t, `"class 0",`, ``), "for 3 classes"},
		{"preprocessing", withHeader(t, `"fit":"crop"`, `"fit":"crap"`), `preprocessing by "crap"`},
		{"interpolation", withHeader(t, `"bilinear"`, `"nearest"`), `interpolation "nearest"`},
		{"resolution", withHeader(t, `"resolution":24`, `"resolution":0`), "preprocessing to 0 pixels"},
	} {
		if _, err := Load(c.file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

// TestInputs: what is not an input of the network is an error.
func TestInputs(t *testing.T) {
	c, err := New()
	if err != nil {
		t.Fatal(err)
	}
	bomb := png.Encoder{CompressionLevel: png.BestSpeed}
	var large bytes.Buffer
	if err := bomb.Encode(&large, image.NewPaletted(image.Rect(0, 0, 20000, 5000), color.Palette{color.Black})); err != nil {
		t.Fatal(err)
	}
	for name, check := range map[string]struct {
		call func() error
		want string
	}{
		"pixels":         {func() error { _, err := c.Logits(make([]uint8, 5)); return err }, "5 pixel values"},
		"values":         {func() error { _, err := c.LogitsOf(nil); return err }, "0 values"},
		"an empty image": {func() error { _, err := c.Classify(image.NewGray(image.Rectangle{})); return err }, "an image of 0x0 pixels"},
		"text":           {func() error { _, err := c.ClassifyJPEG(strings.NewReader("hello")); return err }, "neither a JPEG"},
		"damage":         {func() error { _, err := c.ClassifyJPEG(strings.NewReader("\xff\xd8\xff\xe0")); return err }, "classifier: "},
		"many pixels":    {func() error { _, err := c.ClassifyJPEG(&large); return err }, "too large: 20000x5000"},
		"kernels":        {func() error { _, err := LoadFor("sse", weights); return err }, `not "sse"`},
		"a network of another input": {func() error {
			c, err := Load(withHeader(t, `"resolution":24`, `"resolution":20`))
			if err == nil {
				_, err = c.Classify(image.NewGray(image.Rect(0, 0, 5, 5)))
			}
			return err
		}, "not images of 20x20"},
	} {
		if err := check.call(); err == nil || !strings.Contains(err.Error(), check.want) {
			t.Errorf("%s: error %v, want %q", name, err, check.want)
		}
	}
}

// TestClassify: probabilities add up to 1, the most probable class is first, and files and images give the same.
func TestClassify(t *testing.T) {
	c, err := New()
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile("testdata/input.png")
	if err != nil {
		t.Fatal(err)
	}
	list, err := c.ClassifyJPEG(bytes.NewReader(file))
	if err != nil || len(list) != len(c.Classes()) {
		t.Fatalf("%v, %v", list, err)
	}
	sum := 0.0
	for i, p := range list {
		sum += p.Probability
		if p.Class != c.Classes()[p.Index] || i > 0 && p.Probability > list[i-1].Probability {
			t.Errorf("prediction %d: %+v", i, p)
		}
	}
	if sum < 1-1e-12 || sum > 1+1e-12 {
		t.Errorf("probabilities add up to %v", sum)
	}
	img, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.Classify(img); err != nil || again[0] != list[0] {
		t.Errorf("%v, %v; want %v", again, err, list)
	}
	if c.Metadata()["graph"] == "" || c.Preprocess().Resolution != 24 {
		t.Errorf("metadata %v, preprocessing %+v", c.Metadata(), c.Preprocess())
	}
}

// FuzzLoad: any file is loaded or refused.
func FuzzLoad(f *testing.F) {
	f.Add(weights)
	f.Add(withHeader(f, `"fp32"`, `"bf16"`))
	f.Add(withHeader(f, `"out":8`, `"out":2000000000`))
	f.Fuzz(func(_ *testing.T, file []byte) {
		h, err := parse(file)
		if err != nil {
			return
		}
		shapes, err := h.shapes()
		if err != nil {
			return
		}
		total := 0
		for _, s := range shapes {
			total += s.values()
		}
		if total > 1<<20 { // valid, but slow
			return
		}
		if n, err := newNetwork(h, available()[0]); err == nil {
			n.forward(func([]float32) {})
		}
	})
}

// FuzzOrientation: any file has an orientation.
func FuzzOrientation(f *testing.F) {
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x22Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00\x00\x00"))
	f.Add([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x00eXIf"))
	f.Fuzz(func(t *testing.T, file []byte) {
		if o := orientationOf(file); o < 1 || o > 8 {
			t.Errorf("orientation %d", o)
		}
	})
}
