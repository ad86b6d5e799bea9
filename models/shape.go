package models

import "fmt"

// Shape is the size of one image's activations. Height and Width are 0 after pooling to one value per
// channel.
type Shape struct {
	Channels int `json:"channels"`
	Height   int `json:"height,omitempty"`
	Width    int `json:"width,omitempty"`
}

// Spatial reports whether the activations have rows and columns.
func (s Shape) Spatial() bool { return s.Height > 0 }

// Positions is Height x Width, 1 after pooling.
func (s Shape) Positions() int64 { return int64(max(s.Height, 1)) * int64(max(s.Width, 1)) }

// Values is the number of activations of one image.
func (s Shape) Values() int64 { return int64(s.Channels) * s.Positions() }

// String writes the shape as (channels, height, width), or (channels).
func (s Shape) String() string {
	if !s.Spatial() {
		return fmt.Sprintf("(%d)", s.Channels)
	}
	return fmt.Sprintf("(%d, %d, %d)", s.Channels, s.Height, s.Width)
}
