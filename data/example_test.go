package data_test

import (
	"context"
	"fmt"
	"io"

	"depthwise.dev/data"
)

// One epoch of training batches from a folder with a folder of images for each class.
func Example() {
	set, err := data.OpenFolder("testdata/example")
	if err != nil {
		fmt.Println(err)
		return
	}
	loader, err := data.NewLoader(set, data.LoaderOptions{
		BatchSize: 16, Workers: 2, Train: true,
		Preprocess: data.Preprocess{Resolution: 32},
		Augment:    data.Augment{Crop: true, CropScale: [2]float64{0.08, 1}, CropRatio: [2]float64{0.75, 1.333}, Flip: 0.5},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	epoch := loader.Epoch(context.Background(), 0, 0)
	defer epoch.Close()
	for {
		batch, err := epoch.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(batch.Index, len(batch.Pixels) == batch.N*32*32*3, batch.Skipped)
	}
	fmt.Println(set.Classes, set.Len(), "images in", loader.Batches(), "batches")
	// Output:
	// 0 true []
	// 1 true []
	// 2 true []
	// [formats geometry] 38 images in 3 batches
}
