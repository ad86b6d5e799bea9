package hub_test

import (
	"context"
	"fmt"
	"log"

	"depthwise.dev/formats"
	"depthwise.dev/hub"
)

// The best published weights of a network, and on which terms they can be used.
func ExampleLookup() {
	k, err := hub.Lookup(hub.Best, hub.Options{Arch: "mobilenet_v1", Width: 0.75})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(k.Name, k.Preprocess.Resolution, k.Top1)
	fmt.Println("license:", k.License)
	// Output:
	// keras/mobilenet_7_5_224 224 68.4
	// license: not stated
}

// Weights from Hugging Face, downloaded at the first use.
func ExampleResolve() {
	file, origin, err := hub.Resolve(context.Background(), "timm/mobilenetv1_100", hub.Options{Note: func(text string) { log.Print(text) }})
	if err != nil {
		log.Fatal(err)
	}
	w, err := formats.Read(file)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(w.Graph, origin.License)
}
