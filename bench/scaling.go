package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"depthwise.dev/autograd"
	"depthwise.dev/config"
	"depthwise.dev/distributed"
)

// ScalingSpeed is how fast ranks train together, predicted from the step of one and from the link between them.
type ScalingSpeed struct {
	ComputeSpeed             // of a rank by itself
	Profile      StepProfile `json:"profile"`
	// CPUSeconds of all threads is what an all-reduce takes from computing, for a GB of the tensor.
	CPUSeconds float64 `json:"cpu_s_per_gb"`
	// Software is the fastest link that gloo can use here, and Links those of the predictions. With several ranks both are
	// the one that was measured.
	Software Link           `json:"software"`
	Links    []Predictions  `json:"links"`
	Measured *MeasuredRanks `json:"measured,omitempty"` // with several ranks
}

// Predictions are those of a link, by the number of ranks.
type Predictions struct {
	Name string `json:"name"` // the bandwidth as given, or "measured"
	Link
	Ranks []Prediction `json:"ranks"`
}

// MeasuredRanks are training steps of several ranks, and their prediction.
type MeasuredRanks struct {
	AllReduce AllReduceSpeed `json:"all_reduce"`
	Timing
	ExposedMS float64    `json:"exposed_ms"` // median time for which the host waited for gradients after the backward pass
	Predicted Prediction `json:"predicted"`
}

// PredictedRanks are the numbers of ranks of the predictions.
var PredictedRanks = []int{2, 4, 8, 16, 32, 64, 128, 256}

// Scaling measures a training step, and predicts that of several ranks on the given links. The bandwidths are those of the
// hardware: gloo may not reach them. With a group of several ranks, which all must call it, it measures their link and their steps
// together instead, and predicts for that link.
func Scaling(ctx context.Context, c config.Config, g *distributed.Group, links []Link, steps Steps) (ScalingSpeed, error) {
	var r ScalingSpeed
	speed, err := run(ctx, c, trainingFits, func(s *autograd.Scope, b *benchmark) (Timing, error) {
		if b.Place != autograd.CPU && g.Size() < 2 {
			return Timing{}, errors.New("bench: scaling is predicted for gloo, which sums on the CPU: use --device cpu, or start several ranks to measure those of GPUs")
		}
		timing, err := r.measure(ctx, s, b, c, g, steps)
		return timing, err
	})
	r.ComputeSpeed = speed
	if err != nil {
		return r, err
	}
	if r.Measured != nil {
		r.predict("measured", r.Software)
		return r, nil
	}
	for _, l := range links {
		name := fmt.Sprintf("%g Gbit/s", l.GBits)
		l.GBits = min(l.GBits, r.Software.GBits)
		r.predict(name, l)
	}
	return r, nil
}

// measure profiles the step, then the link, then with several ranks their steps together.
func (r *ScalingSpeed) measure(ctx context.Context, s *autograd.Scope, b *benchmark, c config.Config, g *distributed.Group, steps Steps) (timing Timing, err error) {
	if r.Profile, timing, err = b.profileStep(s, c, steps); err != nil {
		return timing, err
	}
	short := steps
	short.Least /= 4
	if err := r.Profile.sameOnAll(g); err != nil {
		return timing, err
	}
	var link AllReduceSpeed
	if g.Size() < 2 {
		link, err = Loopback(ctx, short)
	} else {
		link, err = AllReduce(ctx, g, b.Place, loopbackSizes, short)
	}
	if err != nil {
		return timing, err
	}
	largest := link.Sizes[len(link.Sizes)-1]
	r.Software, r.CPUSeconds = link.Link, 1e6*largest.CPUMS/float64(largest.Bytes)/float64(b.Threads)
	if g.Size() < 2 {
		return timing, nil
	}
	r.Measured = &MeasuredRanks{AllReduce: link, Predicted: r.Profile.Predict(g.Size(), link.Link, 1e-9*r.CPUSeconds)}
	r.Measured.Timing, r.Measured.ExposedMS, err = b.timeSteps(ctx, s, c, g, steps)
	return timing, err
}

func (r *ScalingSpeed) predict(name string, l Link) {
	p := Predictions{Name: name, Link: l}
	for _, ranks := range PredictedRanks {
		p.Ranks = append(p.Ranks, r.Profile.Predict(ranks, l, 1e-9*r.CPUSeconds))
	}
	r.Links = append(r.Links, p)
}

// sameOnAll refuses ranks that were started for another network than rank 0: their sums would not fit together.
func (p StepProfile) sameOnAll(g *distributed.Group) error {
	sizes := []int64{p.StatisticsBytes}
	for _, b := range p.Buckets {
		sizes = append(sizes, b.Bytes)
	}
	own, err := json.Marshal(sizes)
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	all, err := g.Gather(own)
	if err != nil {
		return err
	}
	for rank, other := range all {
		if !bytes.Equal(other, all[0]) {
			return fmt.Errorf("bench: rank %d has gradients of %s bytes, and rank 0 of %s: start all ranks with the same network", rank, other, all[0])
		}
	}
	return nil
}
