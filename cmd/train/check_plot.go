package main

import (
	"bytes"
	"fmt"

	"github.com/spf13/cobra"

	"depthwise.dev/config"
	"depthwise.dev/diagnose"
	"depthwise.dev/internal/atomicfile"
	"depthwise.dev/report/charts"
	"depthwise.dev/report/page"
)

// plotLayers computes a training step and writes its page.
func plotLayers(cmd *cobra.Command, c config.Config, weights string, images int, path string, asJSON bool) error {
	r, err := diagnose.Inspect(cmd.Context(), c, weights, images)
	if err != nil {
		return err
	}
	var file bytes.Buffer
	if err := page.WriteChartPage(&file, "One training step, layer by layer", layerFacts(r), layerCharts(r)); err != nil {
		return err
	}
	if err := atomicfile.WriteFile(path, 0o644, file.Bytes()); err != nil {
		return fmt.Errorf("check: --plot %s: %w", path, err)
	}
	return show(cmd, asJSON, r, func() string {
		return fmt.Sprintf("%s: %d layers and %d arrays of %s\n", path, len(r.Layers), len(r.Parameters), r.Network)
	})
}

// layerCharts shows the statistics that help when a network does not learn.
func layerCharts(r diagnose.Inspection) []charts.Chart {
	var gradients, updates, norms, means, stds, zeros, dead, flow []charts.Bar
	for _, p := range r.Parameters {
		gradients = append(gradients, charts.Bar{Name: p.Name, Value: p.Gradient})
		norms = append(norms, charts.Bar{Name: p.Name, Value: p.Norm})
		if p.Norm > 0 {
			updates = append(updates, charts.Bar{Name: p.Name, Value: p.Update})
		}
	}
	for _, l := range r.Layers {
		means = append(means, charts.Bar{Name: l.Name, Value: l.Mean})
		stds = append(stds, charts.Bar{Name: l.Name, Value: l.Std})
		zeros = append(zeros, charts.Bar{Name: l.Name, Value: l.Zeros})
		dead = append(dead, charts.Bar{Name: l.Name, Value: l.Dead})
		flow = append(flow, charts.Bar{Name: l.Name, Value: l.Gradient})
	}
	norm := charts.Axis{Label: "L2 norm", Log: true}
	fraction := charts.Axis{Percent: true, Max: 1}
	return []charts.Chart{
		charts.Bars{Title: "Update-to-weight ratio", Note: "norm of the update / norm of the array; about 0.001 is typical", Axis: charts.Axis{Log: true}, Bars: updates, Low: 1e-4, High: 1e-2},
		charts.Bars{Title: "Gradients of the parameters", Axis: norm, Bars: gradients},
		charts.Bars{Title: "Parameters", Axis: norm, Bars: norms},
		charts.Bars{Title: "Gradients at the layer outputs", Note: "a steady decrease or increase means vanishing or exploding gradients", Axis: norm, Bars: flow},
		charts.Bars{Title: "Activations: standard deviation", Note: "over images, channels and positions, after norm and activation", Bars: stds},
		charts.Bars{Title: "Activations: mean", Note: "over images, channels and positions, after norm and activation", Bars: means},
		charts.Bars{Title: "Activations: fraction of zeros", Note: "set to zero by ReLU", Axis: fraction, Bars: zeros},
		charts.Bars{Title: "Activations: fraction of dead channels", Note: "zero at every position of all images", Axis: fraction, Bars: dead},
	}
}

// layerFacts says what was measured.
func layerFacts(r diagnose.Inspection) []string {
	weights, images := "initial weights", "of noise"
	if r.Weights != "" {
		weights = "weights of " + r.Weights
	}
	if r.Data != "" {
		images = "of " + r.Data
	}
	return []string{r.Network, fmt.Sprintf("%s; %d images %s; loss %.4g", weights, r.Images, images, r.Loss),
		fmt.Sprintf("the first step of %s at a learning rate of %g", r.Optimizer, r.LR)}
}
