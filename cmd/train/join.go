package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"depthwise.dev/autograd"
	"depthwise.dev/distributed"
	"depthwise.dev/distributed/launch"
	"depthwise.dev/internal/host"
)

// joinGroup joins the ranks that were started together. A process alone has a nil group.
func joinGroup(cmd *cobra.Command, s *settings) (*distributed.Group, error) {
	device, err := autograd.ParseDevice(s.Device)
	if err != nil {
		return nil, err
	}
	warn := func(text string) { fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s\n", text) }
	if text := oneThread(s.ranks.env, s.Threads, os.Getenv("OMP_NUM_THREADS"), host.ThisProcess()); text != "" {
		warn(text)
	}
	return distributed.Join(cmd.Context(), s.ranks.env, distributed.Options{Timeout: s.ranks.timeout, Device: device, NCCL: device != autograd.CPU, Warn: warn})
}

// oneThread warns on rank 0 that torchrun limits ranks to one thread where the user has set no number: PyTorch's users know it,
// and the ranks of this program would be slow.
func oneThread(e launch.Env, configured int, variable string, c host.CPUs) string {
	n := c.Parallel()
	if e.Launcher != launch.Torchrun || !e.First() || e.LocalSize < 2 || configured != 0 || variable != "1" || n < 2 {
		return ""
	}
	return fmt.Sprintf("torchrun has set OMP_NUM_THREADS=1, so each rank computes with one thread: --threads %d is each rank's part of this machine (%s)", n, c)
}

// ownDevice gives each rank of a machine the GPU of its number. A rank that sees a single GPU, as with
// srun --gpus-per-task=1, takes that.
func (s *settings) ownDevice() error {
	e := s.ranks.env
	if strings.HasPrefix(s.Device, "cuda:") && e.LocalSize > 1 {
		return usagef("--device %s is one GPU, and this machine has %d ranks: with --device cuda each takes the GPU of its number", s.Device, e.LocalSize)
	}
	if e.LocalRank == 0 || s.Device == "cpu" {
		return nil
	}
	own := fmt.Sprintf("cuda:%d", e.LocalRank)
	if _, err := autograd.ParseDevice(own); err == nil {
		s.Device = own
	}
	return nil
}

// tellTorchrun writes why a rank of torchrun fails where torchrun looks for it.
func tellTorchrun(cmd *cobra.Command, code int, err error) {
	path := os.Getenv(launch.ErrorFileVariable)
	if path == "" || code == exitInterrupted || cmd.Flags().Lookup("nproc") == nil {
		return
	}
	at := time.Now()
	if _, other := errors.AsType[*distributed.Error](err); other {
		at = at.Add(time.Second) // torchrun reports the rank that failed first, by whole seconds
	}
	if err := launch.WriteErrorFile(path, message(cmd, err), at); err != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "warning: %v\n", err)
	}
}
