package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/weights"
)

// configName is the name of a run's file of settings.
const configName = "config.yaml"

// resumeFlags are the flags of training that a continued run may change: none of them changes its result.
var resumeFlags = []string{"data", "images", "workers", "shard-cache", "backend", "precision", "device", "threads", "cuda-graph", "tf32", "deterministic",
	"stop-after", "checkpoint-every", "keep", "progress", "report", "tensorboard", "serve", "serve-token",
	"nproc", "dist-timeout"}

func newResume() *cobra.Command {
	s := newSettings()
	cmd := &cobra.Command{
		Use:   "resume RUN [flags]",
		Short: "Continue a run, or make a finished one longer",
		Long: `Continue a run from its newest checkpoint with identical results, whether it was
interrupted, killed or stopped by --stop-after. RUN is its folder, or one of its
checkpoints to continue from.

The settings are those of the run. Flags change what does not affect the result;
--backend, --precision, --device and --threads must give what the checkpoint was
computed with. --nproc may be another: results then differ by rounding, and
--threads may be another, too.

--extend-epochs N makes the run N epochs longer, finished or not: its
learning-rate schedule is that of the longer run from the next step on. Each
time that it is given it adds N; without it, the longer run continues. For other
settings, start a new run from the weights of this one: train --init RUN.`,
		Example: `  train resume runs/photos-1
  train resume runs/photos-1 --extend-epochs 5
  train resume runs/photos-1 --data /mnt/photos    # the images have moved`,
		ValidArgsFunction: folderArguments(1),
		Args:              oneRun,
		RunE: func(cmd *cobra.Command, args []string) error {
			if n := s.ExtendEpochs; cmd.Flags().Changed("extend-epochs") && n < 1 {
				return usagef("--extend-epochs %d: must be at least 1", n)
			}
			dir, checkpoint, err := findRun(args[0])
			if err != nil {
				return err
			}
			s.file, s.run, s.from = filepath.Join(dir, configName), dir, checkpoint
			return fit(cmd, s)
		},
	}
	training := configured(s)
	for _, name := range resumeFlags {
		cmd.Flags().AddFlag(training.Flags().Lookup(name))
	}
	cmd.Flags().Lookup("data").Usage = "`DIR`, shards or address of the images, if they have moved or the address has a password or a signature"
	flagGroup(cmd, groupRun, func(fs *pflag.FlagSet) {
		fs.IntVar(&s.ExtendEpochs, "extend-epochs", 0, "make the run N epochs longer")
	})
	cmd.SetFlagErrorFunc(resumeFlagError)
	return cmd
}

// oneRun requires the name of a run.
func oneRun(cmd *cobra.Command, args []string) error {
	switch {
	case len(args) == 0 || args[0] == "":
		return usagef("%s needs the folder of a run, such as runs/photos-1", cmd.CommandPath())
	case len(args) > 1:
		return usagef("%s takes one run, got also %q", cmd.CommandPath(), args[1])
	}
	return nil
}

// findRun returns the folder of a run, and what to continue from: "auto", or the checkpoint that path names.
func findRun(path string) (dir, resume string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", "", fmt.Errorf("resume: %w; give the folder of a run, such as runs/photos-1", err)
	}
	dir, resume = filepath.Clean(path), "auto"
	if !info.IsDir() {
		if dir, resume, err = runOfFile(path); err != nil {
			return "", "", err
		}
	} else if filepath.Base(dir) == weights.CheckpointFolder && isFile(filepath.Join(filepath.Dir(dir), configName)) {
		dir = filepath.Dir(dir)
	}
	if isFile(filepath.Join(dir, configName)) {
		return dir, resume, nil
	}
	return "", "", noRun(dir)
}

// runOfFile returns the run of a file in its folder, and what to continue from.
func runOfFile(path string) (dir, resume string, err error) {
	dir, name := filepath.Dir(path), filepath.Base(path)
	switch {
	case filepath.Base(dir) == weights.CheckpointFolder || isCheckpoints(dir):
		return filepath.Join(dir, ".."), path, nil
	case name == configName:
		return dir, "auto", nil
	case name == weights.BestFile:
		return "", "", fmt.Errorf("resume: %s holds weights alone, and no state of training: continue the run with train resume %s, or start a new one from the weights with --init %s", path, shellWord(dir), shellWord(path))
	}
	if filepath.Ext(name) != ".safetensors" {
		return "", "", fmt.Errorf("resume: %s is neither the folder of a run nor one of its checkpoints: give the folder, such as runs/photos-1", path)
	}
	return "", "", fmt.Errorf("resume: %s is not in the checkpoints folder of a run: give the run's folder; train --config FILE --out DIR --resume %s continues a checkpoint without its run", path, shellWord(path))
}

// isCheckpoints reports whether a folder is that of a run's checkpoints under another spelling, such as ".".
func isCheckpoints(dir string) bool {
	full, err := filepath.Abs(dir)
	return err == nil && filepath.Base(full) == weights.CheckpointFolder
}

// noRun says why a folder is not that of a run with settings.
func noRun(dir string) error {
	shown := shellWord(dir)
	if saved := inside(filepath.Join(dir, weights.CheckpointFolder), ".safetensors", ""); len(saved) > 0 {
		return fmt.Errorf("resume: %s has checkpoints, but no %s with the settings of the run: restore it, for example from a backup, or start a new run from its weights with train --init %s --data DIR", shown, configName, shown)
	}
	if runs := inside(dir, "", configName); len(runs) > 0 {
		return fmt.Errorf("resume: %s is not the folder of a run, but contains some: name one of %s", shown, someNames(runs))
	}
	return fmt.Errorf("resume: %s is not the folder of a run: it has no %s; to train on the images in a folder, use --data", shown, configName)
}

// inside lists the entries of a folder with an extension that contain a file, each as a word of a shell.
func inside(dir, extension, file string) []string {
	entries, _ := os.ReadDir(dir) // those that can be read
	var list []string
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if strings.HasSuffix(path, extension) && (file == "" || isFile(filepath.Join(path, file))) {
			list = append(list, shellWord(path))
		}
	}
	return list
}

// resumeFlagError explains that a continued run keeps its settings.
func resumeFlagError(cmd *cobra.Command, err error) error {
	unknown, ok := errors.AsType[*pflag.NotExistError](err)
	if ok {
		name := strings.ReplaceAll(unknown.GetSpecifiedName(), "_", "-")
		if name == "out" || name == "config" || name == "resume" {
			return usagef("--%s: the run is an argument: %s RUN", name, cmd.CommandPath())
		}
		if name == "time" {
			return usagef("--time: the time of a run is that of the whole run, and a continued run keeps it; to stop this process with a checkpoint, use --stop-after")
		}
		if synonymHint(cmd, "--"+name, name) == "" && configured(newSettings()).Flags().Lookup(name) != nil {
			return usagef("--%s: a run continues with its own settings; for others, start a new run from its weights with train --init RUN", name)
		}
	}
	return flagError(cmd, err)
}
