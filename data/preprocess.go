package data

import (
	"errors"
	"fmt"
	"math"

	"depthwise.dev/data/jpeg"
)

// The values of Fit: how an image becomes square for evaluation.
const (
	FitCrop = "crop" // resize the shorter side and crop the center: torchvision's Resize and CenterCrop
	FitPad  = "pad"  // place the whole image on black, reduced if it is too large, never enlarged

	// FitLetterbox places the whole image on black, as large as possible: Pillow's ImageOps.pad.
	FitLetterbox = "letterbox"
)

// The values of Interpolation: how an image is resized. Both are as wide as the reduction (antialiased) and
// equal torchvision's on byte tensors.
const (
	Bilinear = "bilinear"
	Bicubic  = "bicubic"
)

// Preprocess describes how an image becomes the input of the network in evaluation, and the normalization
// of its pixels. It is stored with the weights.
type Preprocess struct {
	Resolution int        `json:"resolution"`     // side of the square input
	Fit        string     `json:"fit"`            // FitCrop (also when empty), FitPad or FitLetterbox
	Resize     int        `json:"resize"`         // FitCrop: the shorter side before the crop; 0 means Resolution/0.875, 256 for 224
	EXIF       bool       `json:"exif,omitempty"` // apply the EXIF orientation; torchvision does not
	Mean       [3]float64 `json:"mean"`           // of pixels in 0..1, R, G, B; applied on the device
	Std        [3]float64 `json:"std"`

	// Interpolation is Bilinear (also when empty) or Bicubic. Training's crops use it too.
	Interpolation string `json:"interpolation,omitempty"`
}

// MaxResolution bounds the memory of a batch.
const MaxResolution = 4096

// Validate returns an error that names every invalid field. It does not check Mean and Std.
func (p Preprocess) Validate() error {
	var errs []error
	if p.Resolution < 1 || p.Resolution > MaxResolution {
		errs = append(errs, fmt.Errorf("data: resolution %d is not in 1..%d", p.Resolution, MaxResolution))
	}
	if p.Fit != "" && p.Fit != FitCrop && p.Fit != FitPad && p.Fit != FitLetterbox {
		errs = append(errs, fmt.Errorf("data: fit %q is not %q, %q or %q", p.Fit, FitCrop, FitPad, FitLetterbox))
	}
	if p.Resize != 0 && (p.Resize < p.Resolution || p.Resize > 4*MaxResolution) {
		errs = append(errs, fmt.Errorf("data: resize %d is not in %d..%d: it must be at least the resolution", p.Resize, p.Resolution, 4*MaxResolution))
	}
	if p.Interpolation != "" && p.Interpolation != Bilinear && p.Interpolation != Bicubic {
		errs = append(errs, fmt.Errorf("data: interpolation %q is not %q or %q", p.Interpolation, Bilinear, Bicubic))
	}
	return errors.Join(errs...)
}

func (p Preprocess) filter() jpeg.Filter {
	if p.Interpolation == Bicubic {
		return jpeg.Bicubic
	}
	return jpeg.Bilinear
}

// Shorter is the shorter side of an image before the crop of FitCrop: Resize, or its default.
func (p Preprocess) Shorter() int {
	if p.Resize != 0 {
		return p.Resize
	}
	return int(float64(p.Resolution) / 0.875)
}

// view is a part of an image and its position in the square output.
type view struct {
	resize    jpeg.Resize
	left, top int
}

// evaluation returns the view of a w x h image.
func (p Preprocess) evaluation(w, h int) view {
	var v view
	switch p.Fit {
	case FitPad:
		v = p.pad(w, h)
	case FitLetterbox:
		v = p.letterbox(w, h)
	default:
		v = p.crop(w, h)
	}
	v.resize.Filter = p.filter()
	return v
}

// crop resizes the shorter side and crops the center.
func (p Preprocess) crop(w, h int) view {
	shorter := p.Shorter()
	// torchvision's _compute_resized_output_size truncates the longer side.
	scaledW, scaledH := shorter, shorter
	if w < h {
		scaledH = int(float64(shorter*h) / float64(w))
	} else {
		scaledW = int(float64(shorter*w) / float64(h))
	}
	return view{resize: jpeg.Resize{X: p.center(w, scaledW), Y: p.center(h, scaledH)}}
}

// center crops the center of one axis; torchvision rounds halves to even.
func (p Preprocess) center(size, scaled int) jpeg.Axis {
	first := int(math.RoundToEven(float64(scaled-p.Resolution) / 2))
	return jpeg.Axis{Size: size, Scaled: scaled, First: first, Count: p.Resolution}
}

func (p Preprocess) pad(w, h int) view {
	scale := min(1, float64(p.Resolution)/float64(max(w, h)))
	x, y := whole(w, scale), whole(h, scale)
	return view{resize: jpeg.Resize{X: x, Y: y}, left: (p.Resolution - x.Count) / 2, top: (p.Resolution - y.Count) / 2}
}

func whole(size int, scale float64) jpeg.Axis {
	scaled := max(1, int(math.RoundToEven(float64(size)*scale)))
	return jpeg.Axis{Size: size, Scaled: scaled, Count: scaled}
}

// letterbox is Pillow's ImageOps.contain and pad, which round halves to even.
func (p Preprocess) letterbox(w, h int) view {
	side := float64(p.Resolution)
	x, y := p.Resolution, p.Resolution
	if w > h {
		y = max(1, int(math.RoundToEven(float64(h)/float64(w)*side)))
	} else if h > w {
		x = max(1, int(math.RoundToEven(float64(w)/float64(h)*side)))
	}
	return view{
		resize: jpeg.Resize{X: jpeg.Axis{Size: w, Scaled: x, Count: x}, Y: jpeg.Axis{Size: h, Scaled: y, Count: y}},
		left:   int(math.RoundToEven(float64(p.Resolution-x) / 2)),
		top:    int(math.RoundToEven(float64(p.Resolution-y) / 2)),
	}
}
