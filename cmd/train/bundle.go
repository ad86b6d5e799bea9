package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/bundle"
	"depthwise.dev/formats"
	"depthwise.dev/weights"
)

func newBundle() *cobra.Command {
	var o bundle.Options
	inference, dtype := false, formats.Float32
	cmd := &cobra.Command{
		Use:   "bundle --output FOLDER|FILE.tar.gz [flags]",
		Short: "Copy this program with its libraries, to run on other machines",
		Long: `Copy this program with the libraries that it needs to a folder, or to an archive
if the name ends in .tar.gz. The copy runs on Linux with the same or a newer
glibc, in any folder, without Go, a compiler, Python or setup.

With --inference the bundle is a server for the weights alone: one static
program without libtorch, which runs on any Linux of the processor's kind. It is
built with Go.

In the folder are also a unit for systemd, a Dockerfile and a README.`,
		Example: `  train bundle --output depthwise.tar.gz
  train bundle --weights runs/photos-1 --output /srv/depthwise
  train bundle --inference --weights runs/photos-1 --output photos.tar.gz`,
		ValidArgsFunction: cobra.NoFileCompletions,
		Args:              noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := required(cmd, "output"); err != nil {
				return err
			}
			if err := checkBundleOutput(o.Output); err != nil {
				return err
			}
			if inference {
				return bundleServer(cmd, o, dtype)
			}
			if cmd.Flags().Changed("dtype") {
				return usagef("--dtype is that of --inference; weights that are added stay as they are")
			}
			return bundleProgram(cmd, o)
		},
	}
	flagGroup(cmd, groupModel, func(fs *pflag.FlagSet) {
		fs.StringVar(&o.Weights, "weights", "", "trained weights to add: a file, or the folder of a run")
		fs.BoolVar(&inference, "inference", false, "bundle a server for the weights, without libtorch and training")
		fs.Var(choice{&dtype, []string{formats.Float32, formats.BFloat16}}, "dtype", "type of the server's stored weights")
		filePath(fs, "weights", extensions(func(f formats.Format) bool { return f.Read != nil })...)
	})
	flagGroup(cmd, groupOutput, func(fs *pflag.FlagSet) {
		fs.StringVar(&o.Output, "output", "", "folder to create, or archive to write")
		filePath(fs, "output", "tar.gz", "tgz")
	})
	return cmd
}

func checkBundleOutput(path string) error {
	if bundle.IsArchive(path) {
		return checkOutput("output", path, ".gz", ".tgz")
	}
	for _, extension := range []string{".gz", ".tar", ".zip", ".xz", ".zst", ".bz2", ".7z"} {
		if strings.EqualFold(filepath.Ext(path), extension) {
			return usagef("--output %s: archives are .tar.gz or .tgz, all else is a folder: change the extension", shellWord(path))
		}
	}
	return checkOutputFolder("output", path)
}

// bundleProgram bundles this program.
func bundleProgram(cmd *cobra.Command, o bundle.Options) (err error) {
	if o.Program, err = os.Executable(); err != nil {
		return err
	}
	if o.Weights != "" {
		dir, err := os.MkdirTemp("", "train-bundle-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir) // a copy of weights at most
		if o.Weights, err = weightsToBundle(o.Weights, dir); err != nil {
			return err
		}
	}
	return createBundle(cmd, o)
}

// weightsToBundle returns the file of weights, or where files beside it describe it a copy in dir that describes itself: alone
// in a bundle the file would be read as another network, or with other preprocessing.
func weightsToBundle(path, dir string) (string, error) {
	w, err := formats.Read(path) // a bundle with damaged weights would be of no use
	if err != nil {
		return "", err
	}
	file, err := formats.Find(path)
	if err != nil || w.Origin == "" && !isFile(weights.SidecarPath(file)) {
		return file, err
	}
	name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file)) + ".safetensors"
	file = filepath.Join(dir, name)
	return file, w.Derived().Write(file)
}

func createBundle(cmd *cobra.Command, o bundle.Options) error {
	stderr := cmd.ErrOrStderr()
	o.Progress = bar(stderr, "bundle", inBytes)
	made, err := bundle.Create(o)
	if err != nil {
		return err
	}
	return writeBundleSummary(stderr, o.Output, made)
}

// writeBundleSummary lists the files, and says where the bundle runs.
func writeBundleSummary(w io.Writer, output string, made bundle.Result) error {
	var b strings.Builder
	for _, f := range made.Files {
		fmt.Fprintf(&b, "%8.1f MB  %s\n", float64(f.Bytes)/1e6, f.Name)
	}
	size := fmt.Sprintf("%.1f MB", float64(made.Bytes)/1e6)
	if info, err := os.Stat(output); err == nil && info.Mode().IsRegular() {
		size = fmt.Sprintf("%.1f MB, %s unpacked", float64(info.Size())/1e6, size)
	}
	runs := "runs on any Linux"
	if made.Glibc != "" {
		runs = "runs on Linux with glibc " + made.Glibc + " or newer"
	}
	fmt.Fprintf(&b, "wrote %s: %s; %s\n", output, size, runs)
	_, err := io.WriteString(w, b.String())
	return err
}
