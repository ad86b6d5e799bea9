package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"depthwise.dev/hub"
	"depthwise.dev/weights"
)

// verified is the result for a file.
type verified struct {
	Path    string `json:"path"`
	Status  string `json:"status"`            // ok, unknown (nothing to compare with) or damaged
	Against string `json:"against,omitempty"` // what the file was compared with
	Error   string `json:"error,omitempty"`
}

func newWeightsVerify() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use:   "verify [NAME|FILE|RUN]... [flags]",
		Short: "Compare files with their published or recorded SHA-256",
		Long: `Compare weights with the digest that their publisher states, that was recorded
at the download, or that is in the file itself: all in the cache, or the named
ones. Of a run's folder, the best weights and the checkpoints.

The exit code is 1 if a file is damaged.`,
		Example: `  train weights verify
  train weights verify torchvision/mobilenet_v2 runs/photos-1
  train weights verify photos.safetensors --json`,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
			return hub.Names(), cobra.ShellCompDirectiveDefault
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			files, err := filesToVerify(args)
			if err != nil {
				return err
			}
			results, damaged := []verified{}, 0
			for _, file := range files {
				if err := cmd.Context().Err(); err != nil {
					return err
				}
				r := verifyFile(file)
				if results = append(results, r); r.Status == "damaged" {
					damaged++
				}
			}
			if err := show(cmd, asJSON, results, func() string { return verifyText(results) }); err != nil {
				return err
			}
			if damaged > 0 {
				return fmt.Errorf("%d of %d files are damaged", damaged, len(results))
			}
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// filesToVerify lists the files that the arguments mean; without arguments, those in the cache.
func filesToVerify(args []string) ([]string, error) {
	var files []string
	if len(args) == 0 {
		entries, err := hub.Cached("")
		for _, e := range entries {
			files = append(files, e.Path)
		}
		return files, err
	}
	for _, arg := range args {
		switch info, err := os.Stat(arg); {
		case err == nil && info.IsDir():
			found, err := filesOfRun(arg)
			if err != nil {
				return nil, err
			}
			files = append(files, found...)
		case err != nil && hub.IsName(arg):
			file, err := hub.CachedPath(arg, hub.Options{})
			if err != nil {
				return nil, err
			}
			files = append(files, file)
		case err != nil:
			return nil, err
		default:
			files = append(files, arg)
		}
	}
	return files, nil
}

// filesOfRun lists the weights in a run's folder.
func filesOfRun(dir string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(dir, weights.CheckpointFolder, "*.safetensors"))
	if best := filepath.Join(dir, weights.BestFile); isFile(best) {
		files = append([]string{best}, files...)
	}
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s: %w: neither %s nor a checkpoint; name a file or a run's folder", dir, weights.ErrNoWeights, weights.BestFile)
	}
	return files, err
}

func verifyFile(file string) verified {
	against, err := hub.Verify(file)
	r := verified{Path: file, Status: "ok", Against: against}
	switch {
	case errors.Is(err, hub.ErrNoDigest):
		r.Status, r.Against, r.Error = "unknown", "", err.Error()
	case err != nil:
		r.Status, r.Error = "damaged", err.Error()
	}
	return r
}

func verifyText(results []verified) string {
	if len(results) == 0 {
		return "nothing in the cache\n"
	}
	var b strings.Builder
	for _, r := range results {
		detail := "  as " + r.Against
		if r.Error != "" {
			detail = "  " + r.Error
		}
		fmt.Fprintf(&b, "%-8s %s\n       %s\n", r.Status, r.Path, detail)
	}
	return b.String()
}
