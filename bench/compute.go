package bench

import (
	"cmp"
	"context"
	"fmt"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/config"
	"depthwise.dev/data"
	"depthwise.dev/internal/batches"
	"depthwise.dev/internal/host"
	"depthwise.dev/models"
)

// ComputeSpeed describes a measured computation.
type ComputeSpeed struct {
	Timing
	Arch       string  `json:"arch"`
	Variant    string  `json:"variant"`
	Batch      int     `json:"batch"`
	Resolution int     `json:"resolution"`
	Width      float64 `json:"width"`
	Precision  string  `json:"precision"`
	Kernels    string  `json:"kernels"`      // torch, or fused with its instruction set
	Fused      int64   `json:"fused_layers"` // layers by fused kernels in a step, forward and backward
	Threads    int     `json:"threads"`
	Device     string  `json:"device"`        // cpu or cuda:N
	GPU        string  `json:"gpu,omitempty"` // name of the card
	PeakRSSMB  int64   `json:"peak_rss_mb"`
	PeakGPUMB  int64   `json:"peak_gpu_mb,omitempty"` // of tensors on the GPU
}

// imagesPerSecond is the speed by the median.
func (c ComputeSpeed) imagesPerSecond() float64 { return 1000 * float64(c.Batch) / c.StepMS }

// MeanImagesPerSecond is the speed of all steps together.
func (c ComputeSpeed) MeanImagesPerSecond() float64 { return 1000 * float64(c.Batch) / c.MeanMS }

// benchmark is a network on a machine, with the source of its batches.
type benchmark struct {
	backend.Machine
	network    *backend.Network
	parameters autograd.List
	batch      func() (*data.Batch, error) // returns the next one
	computed   *autograd.Readback          // of the last step: ready when a GPU has computed it
	reducer    *autograd.GradientReducer   // of several ranks; nil: of one process
}

// computation measures a network and returns the times of a batch.
type computation func(*autograd.Scope, *benchmark) (Timing, error)

// memory refuses batches that do not fit into memory.
type memory func(m backend.Machine, g *models.Graph, images int) error

func trainingFits(m backend.Machine, g *models.Graph, images int) error {
	return m.CheckTraining(g, backend.Frozen{}, images, 1)
}

func inferenceFits(m backend.Machine, g *models.Graph, images int) error {
	return m.CheckInference(g, images, 1)
}

// run sets up the network and its batches, calls f to measure, and fills in the rest.
func run(ctx context.Context, c config.Config, fits memory, f computation) (ComputeSpeed, error) {
	if err := c.ValidateBatch(1, ""); err != nil {
		return ComputeSpeed{}, err
	}
	speed := ComputeSpeed{Arch: c.Model.Arch, Variant: c.Model.Variant, Batch: c.BatchSize,
		Resolution: c.Model.Resolution, Width: c.Model.Width}
	b, g := &benchmark{}, (*models.Graph)(nil)
	err := autograd.Run(ctx, func(s *autograd.Scope) (err error) {
		if g, err = c.Graph(); err != nil {
			return err
		}
		if b.Machine, err = backend.NewMachine(s, g, c.BackendOptions()); err != nil {
			return err
		}
		if err := fits(b.Machine, g, c.BatchSize); err != nil {
			return fmt.Errorf("bench: %w", err)
		}
		if c.Data == "" {
			c.Model.Classes = cmp.Or(c.Model.Classes, 1000)
			batch := batches.Synthetic(c.BatchSize, c.Model.Resolution, c.Model.Classes, c.Seed)
			b.batch = func() (*data.Batch, error) { return batch, nil }
		} else {
			stream, err := openStream(ctx, c)
			if err != nil {
				return fmt.Errorf("bench: %w", err)
			}
			defer stream.Close()
			c.Model.Classes = cmp.Or(c.Model.Classes, stream.Classes)
			b.batch = stream.Next
		}
		if g, err = c.Graph(); err != nil { // with the classes of the data
			return err
		}
		m := b.Machine
		b.network = m.New(s, g, c.Seed)
		for _, p := range b.network.Parameters() {
			b.parameters = append(b.parameters, p.Tensor)
		}
		if err := s.Err(); err != nil {
			return err
		}
		if err := autograd.ResetPeakMemory(b.Place); err != nil {
			return err
		}
		before := autograd.BackboneCount()
		speed.Timing, err = f(s, b)
		speed.Precision, speed.Threads, speed.Kernels = string(m.Precision), m.Threads, m.Kernels
		speed.Device, speed.GPU = m.Device, m.GPU
		speed.Fused = (autograd.BackboneCount() - before) / max(1, speed.Timing.runs)
		if err != nil {
			return err
		}
		memory, err := autograd.DeviceMemory(b.Place)
		speed.PeakGPUMB = memory.Peak >> 20
		return err
	})
	speed.PeakRSSMB = host.PeakRSS()
	return speed, b.MemoryError(err, g, c.BatchSize, "--batch-size", "--resolution", "--width")
}
