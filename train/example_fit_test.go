package train_test

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log"
	"os"
	"path/filepath"

	"depthwise.dev/config"
	"depthwise.dev/report"
	"depthwise.dev/train"
)

// A network is trained on a folder of images, a folder for each class in it.
func ExampleFit() {
	dir := exampleFolder("blue", "red")
	defer os.RemoveAll(dir)
	c := config.Default()
	c.Data, c.ValSplit = filepath.Join(dir, "photos"), 0.25 // or a folder with train and val
	c.Model.Width, c.Model.Resolution = 0.25, 32
	c.Epochs, c.BatchSize, c.LR = 10, 8, 0.05
	c.Out = filepath.Join(dir, "run")
	result, err := train.Fit(context.Background(), c, report.Multi{}) // or report.NewPlain(os.Stderr), to see it
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d epochs, top-1 above 60 %%: %v\n", result.Epochs, result.BestTop1 > 0.6)
	// Output:
	// 10 epochs, top-1 above 60 %: true
}

// Fine-tuning: the network of trained weights gets a head for other classes, and only the head learns.
func ExampleFit_frozenBackbone() {
	dir := exampleFolder("dark", "green", "white")
	defer os.RemoveAll(dir)
	c, err := config.Sources{Init: exampleRun(dir)}.Config() // a file or a folder of weights
	if err != nil {
		log.Fatal(err)
	}
	c.Data, c.ValSplit = filepath.Join(dir, "photos"), 0.25
	c.Freeze, c.Augment = config.FreezeBackbone, "none" // the features are computed once
	c.Epochs, c.BatchSize, c.LR = 40, 8, 0.05
	c.Out = filepath.Join(dir, "run")
	result, err := train.Fit(context.Background(), c, report.Multi{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d epochs, top-1 above 60 %%: %v\n", result.Epochs, result.BestTop1 > 0.6)
	// Output:
	// 40 epochs, top-1 above 60 %: true
}

// exampleRun stands for trained weights of other classes.
func exampleRun(dir string) string {
	photos := exampleFolder("blue", "red")
	defer os.RemoveAll(photos)
	c := config.Default()
	c.Data, c.ValSplit, c.Out = filepath.Join(photos, "photos"), 0.25, filepath.Join(dir, "pretrained")
	c.Model.Width, c.Model.Resolution = 0.25, 32
	c.Epochs, c.BatchSize, c.LR = 20, 8, 0.02
	result, err := train.Fit(context.Background(), c, report.Multi{})
	if err != nil {
		log.Fatal(err)
	}
	return result.Dir
}

// exampleFolder makes a folder with a folder photos, which stands for photographs: 16 images of each color.
func exampleFolder(classes ...string) string {
	colors := map[string]color.RGBA{"blue": {B: 200}, "red": {R: 200}, "green": {G: 200}, "dark": {}, "white": {R: 200, G: 200, B: 200}}
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	for _, class := range classes {
		for i := range 16 {
			m := image.NewRGBA(image.Rect(0, 0, 40, 40))
			for p := 0; p < len(m.Pix); p += 4 {
				c, shade := colors[class], uint8((p/4*(i+3))%50)
				copy(m.Pix[p:], []uint8{c.R + shade, c.G + shade, c.B + shade, 255})
			}
			path := filepath.Join(dir, "photos", class, fmt.Sprintf("%d.png", i))
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				log.Fatal(err)
			}
			f, err := os.Create(path)
			if err != nil {
				log.Fatal(err)
			}
			if err := png.Encode(f, m); err != nil {
				log.Fatal(err)
			}
			f.Close()
		}
	}
	return dir
}
