package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"depthwise.dev/backend"
	"depthwise.dev/internal/validate"
	"depthwise.dev/models"
)

// The values of Config.Freeze, beside "blocks:N".
const (
	FreezeNone     = "none"
	FreezeNorms    = "bn"
	FreezeBackbone = "backbone"
)

const blocksPrefix = "blocks:"

// Freezes lists the values of Config.Freeze for messages.
var Freezes = []string{FreezeNone, FreezeNorms, FreezeBackbone, blocksPrefix + "N"}

// frozenBlocks returns N of "blocks:N"; ok is false for any other text.
func frozenBlocks(freeze string) (n int, ok bool) {
	text, ok := strings.CutPrefix(freeze, blocksPrefix)
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 1
}

// fineTuning checks the settings of fine-tuning.
func (v *collector) fineTuning(c Config) {
	if _, blocks := frozenBlocks(c.Freeze); !blocks {
		v.Check(c.Freeze == "" || c.Freeze == FreezeNone || c.Freeze == FreezeNorms || c.Freeze == FreezeBackbone, "freeze", strconv.Quote(c.Freeze),
			"must be "+strings.Join(Freezes, ", ")+" (the stem and the first N blocks, such as blocks:6)")
	}
	v.Check(c.UnfreezeAfter >= 0, "unfreeze_after", c.UnfreezeAfter, "must be a number of epochs, or 0 for never")
	v.Check(c.UnfreezeAfter == 0 || c.Freeze != "" && c.Freeze != FreezeNone, "unfreeze_after", c.UnfreezeAfter, "needs --freeze: nothing is frozen")
	v.Check(c.LayerDecay > 0 && c.LayerDecay <= 1, "layer_decay", c.LayerDecay, "must be above 0 and at most 1, such as 0.8; 1: none")
	v.Check(c.HeadLRScale > 0 && !math.IsInf(c.HeadLRScale, 1), "head_lr_scale", c.HeadLRScale, "must be above 0, such as 10; 1: the rate of the other layers")
}

// Frozen returns the parts of a graph that Freeze names. A part that the graph does not have is an *Error.
func (c Config) Frozen(g *models.Graph) (backend.Frozen, error) {
	depths, blocks := g.Depths()
	if n, ok := frozenBlocks(c.Freeze); ok {
		if n > blocks {
			return backend.Frozen{}, validate.Field("freeze", strconv.Quote(c.Freeze), fmt.Sprintf("%s has %d blocks", g.Name, blocks))
		}
		layers := 0
		for i, depth := range depths {
			if depth <= n {
				layers = i + 1
			}
		}
		return backend.Frozen{Layers: layers}, nil
	}
	switch c.Freeze {
	case FreezeNorms:
		return backend.Frozen{Norms: true}, nil
	case FreezeBackbone:
		head := g.HeadLayers()
		if head == 0 {
			return backend.Frozen{}, validate.Field("freeze", strconv.Quote(c.Freeze), g.Name+" does not end in a linear layer, which would be left to train")
		}
		return backend.Frozen{Layers: len(g.Layers) - head}, nil
	}
	return backend.Frozen{}, nil
}

// lrScales returns the learning-rate scale of each array by its name: LayerDecay to the power of the
// distance from the head in blocks, as timm's layer_decay (BEiT, arXiv:2106.08254), times HeadLRScale for
// the linear layer of the head.
func (c Config) lrScales(g *models.Graph) map[string]float64 {
	scales := map[string]float64{}
	depths, blocks := g.Depths()
	for i, l := range g.Layers {
		scale := math.Pow(c.LayerDecay, float64(blocks+1-depths[i]))
		if i == len(g.Layers)-1 && g.HeadLayers() > 0 {
			scale *= c.HeadLRScale
		}
		for _, a := range l.Arrays() {
			scales[a.Name] = scale
		}
	}
	return scales
}
