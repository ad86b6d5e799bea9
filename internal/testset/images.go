package testset

import (
	"bytes"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// Images creates a data set of three classes, which differ in color under noise: the given numbers
// of images per class for training and validation, 40x40, PNG and JPEG. It returns the folder.
func Images(t testing.TB, train, val int) string {
	t.Helper()
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(1, 2))
	for c, class := range []string{"blue", "green", "red"} {
		for i := range train + val {
			split := "train"
			if i >= train {
				split = "val"
			}
			m := image.NewRGBA(image.Rect(0, 0, 40, 40))
			for p := range m.Pix {
				m.Pix[p] = uint8(rng.UintN(200))
				if p%4 == 2-c {
					m.Pix[p] = uint8(40 + rng.UintN(200))
				}
				if p%4 == 3 {
					m.Pix[p] = 255
				}
			}
			WriteImage(t, filepath.Join(dir, split, class), i, m)
		}
	}
	return dir
}

// WriteImage writes an image as i.png, or as i.jpg where i is odd.
func WriteImage(t testing.TB, dir string, i int, m image.Image) {
	t.Helper()
	var b bytes.Buffer
	name, err := fmt.Sprintf("%02d.png", i), png.Encode(&b, m)
	if i%2 == 1 {
		b.Reset()
		name, err = fmt.Sprintf("%02d.jpg", i), jpeg.Encode(&b, m, nil)
	}
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Contents reads a file.
func Contents(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
