package main

import (
	"bytes"
	"fmt"

	"github.com/spf13/cobra"

	"depthwise.dev/config"
	"depthwise.dev/diagnose"
	"depthwise.dev/internal/atomicfile"
	"depthwise.dev/report"
)

// plotLayers computes a training step and writes its page.
func plotLayers(cmd *cobra.Command, c config.Config, weights string, images int, file string, asJSON bool) error {
	r, err := diagnose.Inspect(cmd.Context(), c, weights, images)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := report.WriteBars(&page, layersPage(r)); err != nil {
		return err
	}
	if err := atomicfile.WriteFile(file, 0o644, page.Bytes()); err != nil {
		return fmt.Errorf("check: --plot %s: %w", file, err)
	}
	return show(cmd, asJSON, r, func() string {
		return fmt.Sprintf("%s: %d layers and %d arrays of %s\n", file, len(r.Layers), len(r.Parameters), r.Network)
	})
}

// layersPage shows the statistics that help when a network does not learn.
func layersPage(r diagnose.Inspection) report.BarPage {
	weights, images := "initial weights", "of noise"
	if r.Weights != "" {
		weights = "weights of " + r.Weights
	}
	if r.Data != "" {
		images = "of " + r.Data
	}
	var gradients, updates, norms, means, stds, zeros, dead, flow []report.Bar
	for _, p := range r.Parameters {
		gradients = append(gradients, report.Bar{Name: p.Name, Value: p.Gradient})
		norms = append(norms, report.Bar{Name: p.Name, Value: p.Norm})
		if p.Norm > 0 {
			updates = append(updates, report.Bar{Name: p.Name, Value: p.Update})
		}
	}
	for _, l := range r.Layers {
		means = append(means, report.Bar{Name: l.Name, Value: l.Mean})
		stds = append(stds, report.Bar{Name: l.Name, Value: l.Std})
		zeros = append(zeros, report.Bar{Name: l.Name, Value: l.Zeros})
		dead = append(dead, report.Bar{Name: l.Name, Value: l.Dead})
		flow = append(flow, report.Bar{Name: l.Name, Value: l.Gradient})
	}
	return report.BarPage{
		Title: "One training step, layer by layer",
		Facts: []string{r.Network, fmt.Sprintf("%s; %d images %s; loss %.4g", weights, r.Images, images, r.Loss),
			fmt.Sprintf("the first step of %s at a learning rate of %g", r.Optimizer, r.LR)},
		Charts: []report.BarChart{
			{Title: "Update-to-weight ratio", Note: "norm of the update / norm of the array; about 0.001 is typical", Log: true,
				Bars: updates, Low: 1e-4, High: 1e-2},
			{Title: "Gradients of the parameters", Note: "L2 norm", Log: true, Bars: gradients},
			{Title: "Parameters", Note: "L2 norm", Log: true, Bars: norms},
			{Title: "Gradients at the layer outputs", Note: "L2 norm; a steady decrease or increase means vanishing or exploding gradients", Log: true, Bars: flow},
			{Title: "Activations: standard deviation", Note: "over images, channels and positions, after normalization and activation", Bars: stds},
			{Title: "Activations: mean", Note: "over images, channels and positions, after normalization and activation", Bars: means},
			{Title: "Activations: fraction of zeros", Note: "set to zero by ReLU", Bars: zeros, High: 1},
			{Title: "Activations: fraction of dead channels", Note: "zero at every position of all images", Bars: dead, High: 1},
		},
	}
}
