package data

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"testing"
)

// batchOfOne returns the pixels of a loader's first batch of one large photograph.
func batchOfOne(t *testing.T, dir string, o LoaderOptions) []byte {
	t.Helper()
	set, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	o.BatchSize, o.Preprocess = 1, Preprocess{Resolution: 64}
	loader, err := NewLoader(set, o)
	if err != nil {
		t.Fatal(err)
	}
	it := loader.Epoch(context.Background(), 0, 0)
	defer it.Close()
	b, err := it.Next()
	if err != nil || b.N != 1 {
		t.Fatalf("%+v, error %v", b, err)
	}
	return bytes.Clone(b.Pixels)
}

func TestDecodeFastIsForTrainingOnly(t *testing.T) {
	dir := t.TempDir()
	im := image.NewGray(image.Rect(0, 0, 1100, 700))
	for i := range im.Pix {
		im.Pix[i] = byte(i*i>>7 ^ i/1100)
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, im, nil); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "class"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "class", "large.jpg"), file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		train bool
		equal bool
	}{{"training", true, false}, {"evaluation", false, true}} {
		exact := batchOfOne(t, dir, LoaderOptions{Train: c.train, Decode: DecodeExact})
		fast := batchOfOne(t, dir, LoaderOptions{Train: c.train, Decode: DecodeFast})
		if bytes.Equal(exact, fast) != c.equal {
			t.Errorf("%s: fast equals exact: %v", c.name, !c.equal)
		}
	}
	if err := (LoaderOptions{BatchSize: 1, Preprocess: Preprocess{Resolution: 8}, Decode: "half"}).Validate(); err == nil {
		t.Error("an unknown way to decode was accepted")
	}
}
