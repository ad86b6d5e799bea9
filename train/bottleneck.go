package train

import (
	"fmt"
	"math"

	"depthwise.dev/data"
)

// inputStats describes how the images of an epoch were loaded.
type inputStats struct {
	stats          data.LoaderStats // of the loader
	seconds        float64          // of the epoch's training
	workers        int              // of each rank
	ranks          int              // that load images; 0 is one
	cores          int              // processors that can decode
	defaultWorkers int              // of this machine and device
	fast           bool             // large images are decoded at half size
	resolution     int
	shards         bool // the images are in tar files
	remote         bool // the shards are remote
	streamed       bool // read with a shuffle buffer
}

// inputBoundWait is the fraction of time waiting for images above which an epoch is input-bound, as
// in the epoch lines of package report.
const inputBoundWait = 0.05

// readersPerCore is the number of workers per core that suits reading from disk; in docs/loader.md
// four read 1.5 times as many images as one.
const readersPerCore = 4

// bottleneck is what limits the speed of training.
type bottleneck string

const (
	inputBound bottleneck = "loader"
	stepBound  bottleneck = "step"
)

// bottleneck returns the bottleneck: the loader if training waits for images, otherwise the
// training step; "" without images.
func (p inputStats) bottleneck() bottleneck {
	switch {
	case p.stats.Images == 0:
		return ""
	case p.waited() >= inputBoundWait:
		return inputBound
	}
	return stepBound
}

// waited returns the fraction of the training time that was spent waiting for images.
func (p inputStats) waited() float64 {
	return math.Min(p.stats.Waited.Seconds()/math.Max(p.seconds, 1e-9), 1)
}

// describe names the bottleneck, and for the loader what would help.
func (p inputStats) describe() string {
	switch p.bottleneck() {
	case inputBound:
		return fmt.Sprintf("the bottleneck is the loader: training waited for images %.0f %% of the time; %s; this would help: %s", 100*p.waited(), p.cost(), p.help())
	case stepBound:
		return fmt.Sprintf("the bottleneck is the training step: it waited for images %.1f %% of the time; %s, at most %.0f %% of the capacity of the cores", 100*p.waited(), p.cost(), 100*p.loaded())
	}
	return ""
}

// loaded returns an upper bound of the fraction of the cores that the loader used: its time
// includes preemption by other threads.
func (p inputStats) loaded() float64 {
	spent := p.stats.Reading + p.stats.Decoding
	return math.Min(spent.Seconds()/math.Max(p.seconds*float64(max(p.cores, 1)), 1e-9), 1)
}

// cost describes the time per image that the workers spend on reading and decoding.
func (p inputStats) cost() string {
	n := float64(p.stats.Images)
	text := fmt.Sprintf("an image takes %.1f ms to read and %.1f ms to decode", 1000*p.stats.Reading.Seconds()/n, 1000*p.stats.Decoding.Seconds()/n)
	if spent := (p.stats.Reading + p.stats.Decoding).Seconds(); p.workers > 0 && spent > 0 {
		rate := float64(p.workers) * n / spent
		switch {
		case p.ranks > 1:
			text += fmt.Sprintf(", the %d ranks with --workers %d load at most %.0f images per second in all", p.ranks, p.workers, float64(p.ranks)*rate)
		case p.workers == 1:
			text += fmt.Sprintf(", 1 worker loads at most %.0f images per second", rate)
		default:
			text += fmt.Sprintf(", %d workers load at most %.0f images per second", p.workers, rate)
		}
	}
	return text
}

// help suggests how to speed up the slower part of the loader.
func (p inputStats) help() string {
	if p.workers == 0 {
		return "--workers auto, which decodes in parallel with training"
	}
	if p.stats.Reading > p.stats.Decoding {
		if many := readersPerCore * p.cores; !p.remote && p.workers < many {
			return fmt.Sprintf("--workers %d, which read from disk in parallel, or %s", many, p.helpReading())
		}
		return p.helpReading()
	}
	switch {
	case p.workers < p.defaultWorkers:
		return fmt.Sprintf("--workers %d, which use all cores", p.defaultWorkers)
	case p.side() > data.FastSide && !p.fast:
		return fmt.Sprintf("--decode fast, which decodes images above %d pixels at half size, or smaller files: train data shard --max-side %d (the images have about %.0f pixels a side)",
			data.FastSide, p.smaller(), p.side())
	case p.side() > 2.5*float64(p.resolution): // a crop of half the side is at least as large as the input
		return fmt.Sprintf("smaller files: train data shard --max-side %d (the images have about %.0f pixels a side), or a lower --resolution", p.smaller(), p.side())
	}
	return "a lower --resolution, less augmentation, or more cores"
}

func (p inputStats) helpReading() string {
	perImage := float64(p.stats.Bytes) / float64(p.stats.Images) / 1024
	switch {
	case p.remote:
		return fmt.Sprintf("a closer or faster server, a --shard-cache that holds all shards, or smaller ones: train data shard --max-side %d (%.0f KB per image)", p.smaller(), perImage)
	case !p.shards:
		return fmt.Sprintf("train data shard, which reads few large files instead of many small ones (%.0f KB per image; --max-side %d makes them smaller)", perImage, p.smaller())
	case !p.streamed:
		return fmt.Sprintf("--shuffle-buffer 16384, which reads the shards as a stream, or smaller images: train data shard --max-side %d (%.0f KB per image)", p.smaller(), perImage)
	}
	return fmt.Sprintf("a faster disk, or smaller images: train data shard --max-side %d (%.0f KB per image)", p.smaller(), perImage)
}

// side returns the square root of the mean area of the images.
func (p inputStats) side() float64 {
	return math.Sqrt(float64(p.stats.Pixels) / float64(p.stats.Images))
}

// smaller returns a sufficient longer side for crops: 512 for 224, as is common.
func (p inputStats) smaller() int { return (p.resolution*16/7 + 31) / 32 * 32 }
