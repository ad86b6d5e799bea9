package classify_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"log"
	"os"
	"path/filepath"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/classify"
	"depthwise.dev/config"
	"depthwise.dev/weights"
)

// The embeddings of all images in a folder, and those that are the most similar to one of them.
func ExampleEmbed() {
	photos, run := examplePhotos() // in their place folders such as "photos" and "runs/photos", or a file of weights
	defer os.RemoveAll(photos)
	all, err := classify.Embed(context.Background(), classify.EmbedConfig{Weights: run}, []string{photos})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(all.Paths), "images with", all.Dim, "features")
	query := 0
	nearest, err := all.Nearest(all.Row(query), 1, func(path string) bool { return path == all.Paths[query] })
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(filepath.Base(nearest[0].Image), "is similar to", filepath.Base(all.Paths[query]))
	if err := all.WriteNPY(filepath.Join(photos, "e.npy"), filepath.Join(photos, "e.csv")); err != nil {
		log.Fatal(err)
	}
	// Output:
	// 3 images with 256 features
	// copy.png is similar to blue.png
}

// Images of any kind, as train predict takes them; the results come while later images are decoded.
func ExamplePredictImages() {
	photos, run := examplePhotos() // in their place a folder such as "photos", and a run's folder or a file of weights
	defer os.RemoveAll(photos)
	images, err := classify.Inputs(context.Background(), []string{photos, "missing.jpg"}, classify.InputOptions{})
	if err != nil {
		log.Fatal(err)
	}
	for p, err := range classify.PredictImages(context.Background(), classify.PredictConfig{Weights: run, Top: 1, Workers: -1}, images.Dataset) {
		switch {
		case err != nil:
			log.Fatal(err)
		case p.Error != "":
			fmt.Println(p.Error)
		default:
			fmt.Println(filepath.Base(p.Image), len(p.Top))
		}
	}
	// Output:
	// blue.png 1
	// copy.png 1
	// red.png 1
	// missing.jpg: no such file or directory
}

// examplePhotos writes three images, and initial weights in place of trained ones.
func examplePhotos() (dir, path string) {
	dir, err := os.MkdirTemp("", "example")
	for name, c := range map[string]color.RGBA{"blue": {B: 250, A: 255}, "copy": {B: 250, A: 255}, "red": {R: 250, A: 255}} {
		m := image.NewRGBA(image.Rect(0, 0, 40, 40))
		for i := range 40 * 40 {
			m.Set(i%40, i/40, c)
		}
		f, createErr := os.Create(filepath.Join(dir, name+".png"))
		err = errors.Join(err, createErr, png.Encode(f, m), f.Close())
	}
	c := config.Default()
	c.Model.Width, c.Model.Resolution, c.Model.Classes = 0.25, 32, 2
	g, graphErr := c.Graph()
	w := weights.Weights{Graph: g, Config: &c.Model, Classes: []string{"a", "b"}, Preprocess: c.Preprocess()}
	runErr := autograd.Run(context.Background(), func(s *autograd.Scope) (err error) {
		w.Arrays, err = backend.HostArrays(s, "", backend.New(s, g, 1).State())
		return err
	})
	path = filepath.Join(dir, "w.safetensors")
	if err := errors.Join(err, graphErr, runErr, w.Write(path)); err != nil {
		log.Fatal(err)
	}
	return dir, path
}
