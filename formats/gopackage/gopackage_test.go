package gopackage

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"depthwise.dev/formats/gopackage/classifier"
)

var update = flag.Bool("update", false, "write the small network of package classifier")

// TestSmallNetwork: the network in package classifier is the one that the exporter writes, byte for byte.
func TestSmallNetwork(t *testing.T) {
	files, err := Files(small(t), Options{Name: Name{Package: "small", Path: "example.com/small", Module: true}, DType: classifier.Float32})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"weights.bin", "testdata/input.png", "testdata/golden.json"} {
		path := filepath.Join("classifier", filepath.FromSlash(name))
		if *update {
			if err := os.WriteFile(path, files[name], 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, files[name]) {
			t.Errorf("%s is not what the exporter writes (error %v): go test ./formats/gopackage -update", name, err)
		}
	}
}
