package config

import (
	"context"

	"depthwise.dev/data/datasets"
	"depthwise.dev/internal/datasource"
)

// Source returns the location of Data and how it is split and cached.
func (c Config) Source(ctx context.Context) (datasets.Source, error) {
	s, err := datasource.New(ctx, c.Data, c.Remote)
	s.ValSplit, s.Seed, s.CacheBytes = c.ValSplit, c.Seed, int64(c.ShardCache)<<30
	s.Images, s.LabelDelimiter, s.MultiLabel = c.Images, c.LabelDelimiter, c.MultiLabel
	return s, err
}
