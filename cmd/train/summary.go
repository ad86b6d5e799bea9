package main

import (
	"github.com/spf13/cobra"

	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

// summary is the JSON form of a network's summary.
type summary struct {
	Config mobilenet.Config `json:"config"`
	models.Summary
}

func newSummary() *cobra.Command {
	s, asJSON := newSettings(), false
	cmd := &cobra.Command{
		Use:   "summary",
		Short: "Print layers, shapes, parameters and multiply-adds of a network",
		Example: `  train summary --variant article
  train summary --width 0.5 --resolution 128 --classes 10 --json`,
		ValidArgsFunction: cobra.NoFileCompletions,
		Args:              noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := s.resolve(cmd); err != nil {
				return err
			}
			m, err := s.Network()
			if err != nil {
				return err
			}
			g, err := m.Graph()
			if err != nil {
				return err
			}
			sum := g.Summary()
			return show(cmd, asJSON, summary{Config: m, Summary: sum}, sum.String)
		},
	}
	modelFlags(cmd, &s.Config)
	jsonFlag(cmd, &asJSON)
	return cmd
}
