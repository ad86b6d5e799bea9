package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"depthwise.dev/data"
	"depthwise.dev/train"
)

// dataFolder is the folder of --data. The word mnist is MNIST in the user's
// cache, laid out as an image folder first where it is not there yet.
func dataFolder(cmd *cobra.Command, name string) (string, error) {
	if name != train.MNIST {
		return name, nil
	}
	cache, err := train.CacheFolder()
	if err != nil {
		return "", err
	}
	stderr := cmd.ErrOrStderr()
	if _, err := os.Stat(filepath.Join(cache, "mnist")); err != nil {
		fmt.Fprintf(stderr, "mnist: fetching the digits and laying them out in %s, once\n", filepath.Join(cache, "mnist"))
	}
	return data.MNIST(cmd.Context(), cache, bar(stderr, "mnist", inImages))
}
