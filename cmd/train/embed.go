package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/backend"
	"depthwise.dev/classify"
	"depthwise.dev/data"
	"depthwise.dev/internal/redact"
)

// newEmbedConfig has the defaults of the commands that compute embeddings.
func newEmbedConfig() *classify.EmbedConfig {
	return &classify.EmbedConfig{BatchSize: 32, Workers: -1, Options: backend.Options{Precision: "fp32", Device: "auto", Backend: "auto"}}
}

// embedFlags are the flags of the commands that compute embeddings.
func embedFlags(cmd *cobra.Command, c *classify.EmbedConfig) {
	readingFlags(cmd, &c.Weights, &c.Reading)
	rawFlag(cmd, &c.Raw)
	flagGroup(cmd, groupData, func(fs *pflag.FlagSet) {
		fs.IntVar(&c.BatchSize, "batch-size", c.BatchSize, "images per batch")
		fs.Var(auto[int]{&c.Workers}, "workers", "image decoding threads; results do not depend on it")
		defaultText(fs, "workers", workersDefault)
	})
	hardwareFlags(cmd, &c.Precision, &c.Device, &c.Backend, &c.Threads)
	graphFlag(cmd, &c.CUDAGraph, "batches")
}

func newEmbed() *cobra.Command {
	c := newEmbedConfig()
	var output, paths string
	cmd := &cobra.Command{
		Use:   "embed --weights FILE --output FILE IMAGE|DIR... [flags]",
		Short: "Write the embeddings of images",
		Long: `Write the embeddings of images: the features that the last layer of the network
reads, such as 1,024 numbers of a MobileNet v1.

A folder means all images in it and in the folders below it, without hidden
files, or its shards. The extension of the output selects the format:

  .npy  NumPy array, float32, (N, features); the paths of the rows are written
        to a CSV file beside it
  .csv  a row for each image: its path and its features

Images that cannot be read are reported and left out.`,
		Example: `  train embed --weights runs/photos-1 --output photos.npy photos
  train embed --weights imagenet --output e.csv --normalize cat.jpg dog.png`,
		ValidArgsFunction: imageArguments,
		RunE: func(cmd *cobra.Command, images []string) error {
			if err := required(cmd, "weights", "output"); err != nil {
				return err
			}
			if len(images) == 0 {
				return usagef("embed needs images, or folders of images")
			}
			if err := checkEmbedOutputs(output, &paths); err != nil {
				return err
			}
			if err := prepareEmbed(cmd, c); err != nil {
				return err
			}
			for _, out := range []string{output, paths} {
				if err := checkNoInput(out, append([]string{c.Weights}, images...)); err != nil {
					return err
				}
			}
			return writeEmbeddings(cmd, *c, images, output, paths)
		},
	}
	embedFlags(cmd, c)
	flagGroup(cmd, groupOutput, func(fs *pflag.FlagSet) {
		fs.StringVar(&output, "output", "", "file for the embeddings, .npy or .csv")
		fs.StringVar(&paths, "csv", "", "file for the paths of the rows of a .npy file")
		fs.BoolVar(&c.Normalize, "normalize", false, "divide each embedding by its L2 norm")
		filePath(fs, "output", "npy", "csv")
		filePath(fs, "csv", "csv")
		defaultText(fs, "csv", "the name of --output with .csv")
	})
	return cmd
}

// imageArguments completes images and folders.
func imageArguments(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return imageExtensions, cobra.ShellCompDirectiveFilterFileExt
}

// prepareEmbed validates the flags of embedFlags and finds the weights.
func prepareEmbed(cmd *cobra.Command, c *classify.EmbedConfig) (err error) {
	if c.BatchSize < 1 {
		return usagef("--batch-size must be at least 1")
	}
	noteMachine(cmd, c.Options)
	c.Remote, c.Progress = newRemote(logTo(cmd.ErrOrStderr())), progress(cmd.ErrOrStderr(), "embed")
	c.Weights, err = localWeights(cmd, c.Weights)
	return err
}

// checkEmbedOutputs refuses outputs before any work, and sets the file for the paths, "" where they are in the output.
func checkEmbedOutputs(output string, paths *string) error {
	if err := checkOutput("output", output, ".npy", ".csv"); err != nil {
		return err
	}
	if isCSV(output) {
		if *paths != "" {
			return usagef("--csv %s: a .csv file of --output has the paths: omit --csv", shellWord(*paths))
		}
		return nil
	}
	if *paths != "" {
		if filepath.Clean(*paths) == filepath.Clean(output) || isSameFile(*paths, output) {
			return usagef("--csv %s: is the file of --output: name another", shellWord(*paths))
		}
		return checkOutput("csv", *paths, ".csv")
	}
	if info, err := os.Stat(output); err == nil && !info.Mode().IsRegular() {
		return usagef("--output %s: has no file beside it for the paths: name one with --csv", shellWord(output))
	}
	*paths = pathsBeside(output)
	if err := checkOutput("csv", *paths, ".csv"); err != nil {
		return err
	}
	if isThere(*paths) && !(isThere(output) && classify.IsPathList(*paths)) {
		return usagef("--output %s: its paths would replace %s, which is not of an earlier embed: name another file with --csv, or another output", shellWord(output), shellWord(*paths))
	}
	return nil
}

func isCSV(path string) bool { return strings.EqualFold(filepath.Ext(path), ".csv") }

func isThere(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// pathsBeside is the file for the paths of a .npy file.
func pathsBeside(npy string) string {
	if ext := filepath.Ext(npy); strings.EqualFold(ext, ".npy") {
		npy = strings.TrimSuffix(npy, ext)
	}
	return npy + ".csv"
}

// checkNoInput refuses an output that is one of the inputs. A device may be both.
func checkNoInput(output string, inputs []string) error {
	for _, in := range inputs {
		if isFile(output) && isSameFile(in, output) {
			return usagef("%s: is an output and an input: choose another name for the output", shellWord(output))
		}
	}
	return nil
}

// isSameFile reports whether two paths are one existing file.
func isSameFile(a, b string) bool {
	x, errX := os.Stat(a)
	y, errY := os.Stat(b)
	return errX == nil && errY == nil && os.SameFile(x, y)
}

// writeEmbeddings computes and writes embeddings. Images that cannot be read are reported; if one was named as an
// argument, the command fails at the end.
func writeEmbeddings(cmd *cobra.Command, c classify.EmbedConfig, images []string, output, paths string) error {
	e, err := classify.Embed(cmd.Context(), c, images)
	if err != nil {
		return err
	}
	if len(e.Paths) == 0 {
		return noneReadable(e, images)
	}
	text := fmt.Sprintf("wrote %d embeddings of %d values to %s", len(e.Paths), e.Dim, output)
	if paths == "" {
		err = e.WriteCSV(output)
	} else {
		err = e.WriteNPY(output, paths)
		text += ", and their paths to " + paths
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(cmd.ErrOrStderr(), text)
	return reportSkipped(cmd.ErrOrStderr(), e, images)
}

// noneReadable is the error about images none of which could be read.
func noneReadable(e classify.Embeddings, images []string) error {
	switch len(e.Skipped) {
	case 1: // perhaps a mistyped folder
		return errors.New(e.Skipped[0].String())
	case 0:
		return fmt.Errorf("%s: no images", data.ShowName(redact.Address(strings.Join(images, ", "))))
	}
	return fmt.Errorf("none of %d images could be read: %s", len(e.Skipped), e.Skipped[0])
}

// reportSkipped writes what is not in e, and returns an error about images that were named as arguments.
func reportSkipped(w io.Writer, e classify.Embeddings, arguments []string) error {
	for i, p := range slices.Concat(e.LeftOut, e.Skipped) {
		if i == shownProblems {
			fmt.Fprintf(w, "and %d more\n", len(e.LeftOut)+len(e.Skipped)-i)
			break
		}
		fmt.Fprintf(w, "skipped %s\n", p)
	}
	var named []string
	for _, p := range e.Skipped {
		if slices.Contains(arguments, p.Path) {
			named = append(named, p.String())
		}
	}
	if named != nil {
		return errors.New(strings.Join(named, "; "))
	}
	return nil
}
