package checkpoints_test

import (
	"fmt"
	"os"

	"depthwise.dev/checkpoints"
)

func Example() {
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)

	bias, err := checkpoints.NewArray("classifier.bias", []float32{0.5, -0.5}, 2)
	if err != nil {
		fmt.Println(err)
		return
	}
	store := checkpoints.Store{Dir: dir, Keep: 3}
	file := checkpoints.File{Arrays: []checkpoints.Array{bias}, Meta: map[string]string{"epoch": "2"}}
	if _, err := store.Save(1234, file); err != nil {
		fmt.Println(err)
		return
	}

	_, latest, _, err := store.Latest()
	if err != nil {
		fmt.Println(err)
		return
	}
	array, _ := latest.Lookup("classifier.bias")
	values, err := checkpoints.Values[float32](array)
	fmt.Println(latest.Meta["epoch"], values, err)
	// Output: 2 [0.5 -0.5] <nil>
}
