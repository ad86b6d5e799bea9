package train

import (
	"fmt"
	"math"

	"depthwise.dev/data"
)

// pace is how an epoch's images came, and from where.
type pace struct {
	effort     data.LoaderStats
	seconds    float64 // of the epoch's training
	workers    int
	cores      int
	resolution int
	shards     bool // the images lie in tar files
	distant    bool // at addresses
	streamed   bool // read with a shuffle buffer
}

// waitMatters is the share of the time from which on waiting for images is worth a word; that of report's epoch lines.
const waitMatters = 0.05

// readersPerCore is how many workers a core keeps busy that wait for the disk; docs/loader.md has 1.5 times the
// images from four as from one.
const readersPerCore = 4

// binding is what sets an epoch's pace.
type binding string

const (
	loaderBinds binding = "loader"
	stepBinds   binding = "step"
)

// binds says what sets the pace: the loader where training waits for images; "" where there were none.
func (p pace) binds() binding {
	switch {
	case p.effort.Images == 0:
		return ""
	case p.waited() >= waitMatters:
		return loaderBinds
	}
	return stepBinds
}

// waited is the share of the epoch's training that was spent waiting for images.
func (p pace) waited() float64 {
	return math.Min(p.effort.Waited.Seconds()/math.Max(p.seconds, 1e-9), 1)
}

// verdict says what sets the epoch's pace, and where that is the loader, what would help.
func (p pace) verdict() string {
	switch p.binds() {
	case loaderBinds:
		return fmt.Sprintf("the loader sets the pace: training waited for images %.0f %% of the time; %s; what would help: %s", 100*p.waited(), p.cost(), p.help())
	case stepBinds:
		return fmt.Sprintf("the training step sets the pace: it waited for images %.1f %% of the time; %s, at most %.0f %% of what the cores can do", 100*p.waited(), p.cost(), 100*p.loaded())
	}
	return ""
}

// loaded is the share of the cores that the loader took, at most: its time includes that in which others had the core.
func (p pace) loaded() float64 {
	spent := p.effort.Reading + p.effort.Decoding
	return math.Min(spent.Seconds()/math.Max(p.seconds*float64(max(p.cores, 1)), 1e-9), 1)
}

// cost tells where the workers' time goes.
func (p pace) cost() string {
	n := float64(p.effort.Images)
	return fmt.Sprintf("an image takes %.1f ms to read and %.1f ms to decode", 1000*p.effort.Reading.Seconds()/n, 1000*p.effort.Decoding.Seconds()/n)
}

// help names what makes the slower part of the loader quicker.
func (p pace) help() string {
	if p.workers == 0 {
		return "--workers auto, which decodes beside the training"
	}
	if p.effort.Reading > p.effort.Decoding {
		if many := readersPerCore * p.cores; !p.distant && p.workers < many {
			return fmt.Sprintf("--workers %d, which wait for the disk side by side, or %s", many, p.helpReading())
		}
		return p.helpReading()
	}
	switch {
	case p.workers < p.cores:
		return fmt.Sprintf("--workers %d, one a core", p.cores)
	case p.side() > 2.5*float64(p.resolution): // a crop of half the side is still as large as the input
		return fmt.Sprintf("smaller files: train data shard --max-side %d (the images have about %.0f pixels a side), or a lower --resolution", p.smaller(), p.side())
	}
	return "a lower --resolution, less augmentation, or more cores"
}

func (p pace) helpReading() string {
	perImage := float64(p.effort.Bytes) / float64(p.effort.Images) / 1024
	switch {
	case p.distant:
		return fmt.Sprintf("a nearer or faster server, a --shard-cache that holds all shards, or smaller ones: train data shard --max-side %d (%.0f KB an image)", p.smaller(), perImage)
	case !p.shards:
		return fmt.Sprintf("train data shard, which reads few large files instead of many small ones (%.0f KB an image; --max-side %d makes them smaller)", perImage, p.smaller())
	case !p.streamed:
		return fmt.Sprintf("--shuffle-buffer 16384, which reads the shards as a stream, or smaller images: train data shard --max-side %d (%.0f KB an image)", p.smaller(), perImage)
	}
	return fmt.Sprintf("a faster disk, or smaller images: train data shard --max-side %d (%.0f KB an image)", p.smaller(), perImage)
}

// side is the square root of the images' mean area.
func (p pace) side() float64 { return math.Sqrt(float64(p.effort.Pixels) / float64(p.effort.Images)) }

// smaller is the longer side that suffices for crops: 512 for 224, as is the custom.
func (p pace) smaller() int { return (p.resolution*16/7 + 31) / 32 * 32 }
