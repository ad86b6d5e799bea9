package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"depthwise.dev/formats"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

// summary is the JSON form of a network's summary.
type summary struct {
	Config *mobilenet.Config `json:"config,omitempty"` // missing where the weights hold a graph
	models.Summary
}

func newSummary() *cobra.Command {
	s, asJSON := newSettings(), false
	path := ""
	cmd := &cobra.Command{
		Use:   "summary",
		Short: "Print layers, shapes, parameters and multiply-adds of a network",
		Example: `  train summary --variant article
  train summary --width 0.5 --resolution 128 --classes 10 --json
  train summary --weights mobilenet_v2-b0353104.pth`,
		ValidArgsFunction: cobra.NoFileCompletions,
		Args:              noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			g, m, err := summarized(cmd, s, path)
			if err != nil {
				return err
			}
			sum := g.Summary()
			return show(cmd, asJSON, summary{Config: m, Summary: sum}, sum.String)
		},
	}
	modelFlags(cmd, &s.Config)
	weightsFlag(cmd, &path)
	jsonFlag(cmd, &asJSON)
	return cmd
}

// summarized returns the network of the flags, or that of weights. Of the flags of a network, weights of other tools
// leave the variant open.
func summarized(cmd *cobra.Command, s *settings, path string) (*models.Graph, *mobilenet.Config, error) {
	if path == "" {
		if err := s.resolve(cmd); err != nil {
			return nil, nil, err
		}
		m, err := s.Network()
		if err != nil {
			return nil, nil, err
		}
		g, err := m.Graph()
		return g, &m, err
	}
	for _, name := range []string{"arch", "width", "resolution", "classes"} {
		if cmd.Flags().Changed(name) {
			return nil, nil, usagef("--%s and --weights do not go together: the weights decide it", name)
		}
	}
	path, err := localWeights(cmd, path)
	if err != nil {
		return nil, nil, err
	}
	o := formats.ReadOptions{Log: func(line string) { fmt.Fprintln(cmd.ErrOrStderr(), line) }}
	if cmd.Flags().Changed("variant") {
		o.Variant = s.Model.Variant
	}
	w, err := formats.ReadWith(path, o)
	return w.Graph, w.Config, err
}
