package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"depthwise.dev/config"
	"depthwise.dev/distributed/launch"
	"depthwise.dev/internal/capacity"
	"depthwise.dev/internal/host"
)

// rankSettings are those of training by several processes, the ranks. They do not belong to the configuration of a run.
type rankSettings struct {
	nproc   int
	timeout time.Duration
	env     launch.Env // which rank this process is
}

// defaultTimeout is how long ranks wait for each other. It covers an epoch's validation and checkpoint on a slow disk.
const defaultTimeout = 10 * time.Minute

func rankFlags(cmd *cobra.Command, s *settings) {
	flagGroup(cmd, groupDistributed, func(fs *pflag.FlagSet) {
		fs.IntVar(&s.ranks.nproc, "nproc", 0, "train with N processes on this machine, each with its part of the processors; torchrun, srun and mpirun start their own")
		fs.DurationVar(&s.ranks.timeout, "dist-timeout", defaultTimeout, "how long a process waits for others that are alive")
		defaultText(fs, "nproc", "one, or what the launcher started")
	})
}

// findRank finds out which rank this process is, or how many it has to start, and takes its part of the processors.
func (s *settings) findRank(cmd *cobra.Command) error {
	nproc := cmd.Flags().Changed("nproc")
	e, err := launch.Detect(os.Getenv)
	if wrong, ok := errors.AsType[*launch.Error](err); ok && !(wrong.Batch && nproc) {
		return usageError{err}
	}
	if nproc {
		if e, err = e.WithRanks(s.ranks.nproc); err != nil {
			return usageError{err}
		}
	}
	if s.ranks.timeout <= 0 {
		return usagef("--dist-timeout %v: must be longer than 0, such as 30m", s.ranks.timeout)
	}
	s.ranks.env = e
	if e.Spawn == 0 {
		host.Divide(e.Sharing())
	}
	return nil
}

// startRanks starts the ranks of this machine with the arguments of this process, and returns when they have ended. The
// settings were checked here, so that errors in them are reported once, and the data is downloaded once.
func startRanks(cmd *cobra.Command, e launch.Env, c config.Config) error {
	if err := capacity.Processes("--nproc", e.Spawn); err != nil {
		return usageError{err}
	}
	if _, err := dataFolder(cmd, c.Data); err != nil {
		return err
	}
	arguments, _ := cmd.Context().Value(argumentsKey{}).([]string)
	program, args, err := thisProgram(arguments)
	if err != nil {
		return fmt.Errorf("--nproc: %w", err)
	}
	waitForCheckpoint(cmd.Context())
	l := launch.Local{Env: e, Program: program, Args: args, Environ: os.Environ(), Stdout: cmd.OutOrStdout(), Stderr: cmd.ErrOrStderr(), Terminal: isTerminal(cmd.ErrOrStderr())}
	return l.Run(cmd.Context())
}

// thisProgram returns the file of this program, and what starts it again with some arguments, as os.Args.
func thisProgram(arguments []string) (program string, args []string, err error) {
	if program, err = os.Executable(); err != nil {
		return "", nil, err
	}
	if isLoader(program) { // which takes the program as its first argument
		path, err := filepath.Abs(os.Args[0])
		return program, append([]string{program, path}, arguments...), err
	}
	return program, append([]string{os.Args[0]}, arguments...), nil
}

// refuseRanks refuses commands that would do the same in each of the processes that torchrun or mpirun started. Slurm and
// Kubeflow start any program so, each with other arguments.
func refuseRanks(cmd *cobra.Command) error {
	if cmd.Flags().Lookup("nproc") != nil || cmd.Flags().Lookup("threads") == nil {
		return nil
	}
	e, err := launch.Detect(os.Getenv)
	if err != nil || e.Size <= 1 || e.Spawn > 0 {
		return nil // only training needs to know its rank
	}
	switch e.Launcher {
	case launch.Torchrun, launch.NProc, launch.OpenMPI:
		return usagef("%s runs in one process, and this is %s: start it without %s", cmd.CommandPath(), e, e.Launcher)
	}
	return nil
}
