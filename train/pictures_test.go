package train

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// pictures makes a data set of three classes, told apart by their color under
// noise: so many images of each to train on and to validate with, 40x40, PNG and JPEG.
func pictures(t *testing.T, train, val int) string {
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
			writePicture(t, filepath.Join(dir, split, class), i, m)
		}
	}
	return dir
}

func writePicture(t *testing.T, dir string, i int, m image.Image) {
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

// small is a run of a second on pictures.
func small(t *testing.T, data string) Config {
	t.Helper()
	c := Default()
	c.Data, c.Out = data, filepath.Join(t.TempDir(), "run")
	c.Model.Width, c.Model.Resolution = 0.25, 32
	c.Epochs, c.BatchSize, c.Workers, c.Threads = 3, 8, 0, 1
	c.LR, c.CropScale = 0.02, [2]float64{0.35, 1}
	c.Precision, c.Device, c.CheckpointEvery, c.Seed = "fp32", "cpu", "1steps", 5
	return c
}

// fit trains and must succeed.
func fit(t *testing.T, c Config) Result {
	t.Helper()
	result, err := Fit(context.Background(), c, ignore)
	if err != nil {
		t.Fatal(err)
	}
	return result
}
