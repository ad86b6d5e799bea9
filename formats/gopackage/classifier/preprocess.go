package classifier

import (
	"fmt"
	"math"
)

// Preprocess says how an image becomes the input of the network.
type Preprocess struct {
	Resolution int `json:"resolution"` // rows and columns of the input
	// Fit is "crop": resize the shorter side to Resize and crop the center; "pad": place the whole image on black, reduced
	// if it is too large; or "letterbox": place it on black as large as possible.
	Fit    string `json:"fit"`
	Resize int    `json:"resize,omitempty"`
	EXIF   bool   `json:"exif,omitempty"` // apply the EXIF orientation of files
	// Interpolation is "bilinear" or "bicubic", both antialiased.
	Interpolation string     `json:"interpolation"`
	Mean          [3]float64 `json:"mean"` // of pixels in 0..1
	Std           [3]float64 `json:"std"`
}

// check refuses values for which there is no input.
func (p Preprocess) check() error {
	const most = 1 << 14 // of Resize in files of depthwise
	switch {
	case p.Resolution < 1 || p.Resolution > most || p.Resize < 0 || p.Resize > most:
		return fmt.Errorf("header: preprocessing to %d pixels, resized to %d", p.Resolution, p.Resize)
	case p.Fit != "crop" && p.Fit != "pad" && p.Fit != "letterbox" || p.Fit == "crop" && p.Resize < p.Resolution:
		return fmt.Errorf("header: preprocessing by %q, resized to %d", p.Fit, p.Resize)
	case p.Interpolation != "bilinear" && p.Interpolation != "bicubic":
		return fmt.Errorf("header: interpolation %q", p.Interpolation)
	}
	return nil
}

// axis is one axis of a resize: size pixels become scaled, of which count from first on are written at position at.
type axis struct{ size, scaled, first, count, at int }

// view returns how a w x h image is resized and where the result is in the input.
func (p Preprocess) view(w, h int) (x, y axis) {
	switch p.Fit {
	case "pad":
		scale := min(1, float64(p.Resolution)/float64(max(w, h)))
		round := func(size int) int { return max(1, int(math.RoundToEven(float64(size)*scale))) }
		x, y = p.whole(w, round(w)), p.whole(h, round(h))
		x.at, y.at = (p.Resolution-x.count)/2, (p.Resolution-y.count)/2 // rounded down, unlike those of ImageOps.pad
		return x, y
	case "letterbox": // Pillow's ImageOps.pad
		side, scaledW, scaledH := float64(p.Resolution), p.Resolution, p.Resolution
		if w > h {
			scaledH = max(1, int(math.RoundToEven(float64(h)/float64(w)*side)))
		} else if h > w {
			scaledW = max(1, int(math.RoundToEven(float64(w)/float64(h)*side)))
		}
		return p.whole(w, scaledW), p.whole(h, scaledH)
	}
	// torchvision's Resize truncates the longer side, its CenterCrop rounds halves to even.
	scaledW, scaledH := p.Resize, p.Resize
	if w < h {
		scaledH = int(float64(p.Resize*h) / float64(w))
	} else {
		scaledW = int(float64(p.Resize*w) / float64(h))
	}
	center := func(size, scaled int) axis {
		return axis{size: size, scaled: scaled, first: int(math.RoundToEven(float64(scaled-p.Resolution) / 2)), count: p.Resolution}
	}
	return center(w, scaledW), center(h, scaledH)
}

// whole is the axis of a whole image in the middle of the input.
func (p Preprocess) whole(size, scaled int) axis {
	return axis{size: size, scaled: scaled, count: scaled, at: int(math.RoundToEven(float64(p.Resolution-scaled) / 2))}
}

// normalization returns the input value of each pixel value of a channel: (v/255 - mean) / std.
func (p Preprocess) normalization(channel int) (table [256]float32) {
	for v := range table {
		table[v] = float32((float64(v)/255 - p.Mean[channel]) / p.Std[channel])
	}
	return table
}
