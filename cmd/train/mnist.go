package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"depthwise.dev/config"
	"depthwise.dev/internal/datasource"
	"depthwise.dev/internal/host"
)

// dataFolder is [datasource.Folder] of --data. It reports on stderr when MNIST has to be
// downloaded.
func dataFolder(cmd *cobra.Command, name string) (string, error) {
	stderr := cmd.ErrOrStderr()
	if name == config.MNIST {
		cache, err := host.CacheFolder() // an error is that of Folder too
		if _, missing := os.Stat(filepath.Join(cache, "mnist")); err == nil && missing != nil {
			fmt.Fprintf(stderr, "mnist: downloading the dataset to %s\n", filepath.Join(cache, "mnist"))
		}
	}
	return datasource.Folder(cmd.Context(), name, bar(stderr, "mnist", inImages))
}
