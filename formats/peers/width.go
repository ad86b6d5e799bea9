package peers

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
)

// fit finds the width at which a candidate has the shapes of the arrays. If none has, the error is about the first
// candidate at the width that fits best.
func fit(arrays []named, candidates []candidate, c configuration) (match, error) {
	var nearest match
	var difference *misfit
	for _, cand := range candidates {
		about, err := cand.aboutWidth(arrays)
		if err != nil {
			return match{}, err
		}
		for _, width := range widths(c.width, about) {
			m := match{candidate: cand}
			d, err := m.at(width, arrays, c)
			if err != nil {
				return match{}, err
			}
			if d == nil {
				m.mapped, err = m.arrays(arrays)
				return m, err
			}
			if difference == nil || cand == candidates[0] && d.count() < difference.count() {
				nearest, difference = m, d
			}
		}
	}
	return match{}, difference.error(fmt.Sprintf("names of %s, nearest to %v", nearest.scheme.name, nearest.config))
}

// at builds the network of a width and compares its arrays with the file's; nil: they fit.
func (m *match) at(width float64, arrays []named, c configuration) (*misfit, error) {
	var err error
	if m.config, err = mobilenet.Default(m.scheme.arch, m.variant); err != nil {
		return nil, err
	}
	m.config.Width, m.config.Classes = width, cmp.Or(m.scheme.classes(arrays), 1000)
	if err := c.apply(&m.config); err != nil {
		return nil, err
	}
	if m.graph, err = m.config.Graph(); err != nil {
		return nil, err
	}
	return m.compare(arrays), nil
}

// aboutWidth estimates the width multiplier from the channels of the widest layers. Rounding to multiples of 8 changes
// these least.
func (c candidate) aboutWidth(arrays []named) (float64, error) {
	wide, narrow, err := c.twoWidths()
	if err != nil {
		return 0, err
	}
	byName := index(arrays)
	other := c.scheme.places(narrow)
	var widest []place
	for i, p := range c.scheme.places(wide) {
		if len(p.array.Shape) == 1 && p.array.Shape[0] != other[i].array.Shape[0] { // neither the head nor fixed channels
			widest = append(widest, p)
		}
	}
	slices.SortStableFunc(widest, func(a, b place) int { return cmp.Compare(b.array.Shape[0], a.array.Shape[0]) })
	var ratios []float64
	for _, p := range widest {
		if a := p.find(byName); a != nil && len(a.Shape) == 1 && len(ratios) < 9 { // 9: a wrong one does not decide
			ratios = append(ratios, float64(a.Shape[0])/float64(p.array.Shape[0]))
		}
	}
	if len(ratios) == 0 {
		return 1, nil
	}
	slices.Sort(ratios)
	return ratios[len(ratios)/2], nil
}

// twoWidths are the networks of the widths 1 and 1/2.
func (c candidate) twoWidths() (one, half *models.Graph, err error) {
	config, err := mobilenet.Default(c.scheme.arch, c.variant)
	if err != nil {
		return nil, nil, err
	}
	if one, err = config.Graph(); err != nil {
		return nil, nil, err
	}
	config.Width = 0.5
	half, err = config.Graph()
	return one, half, err
}

// widths are the width multipliers that are tried: the configured one, then those near the estimate, the roundest first,
// because several give the same channels.
func widths(configured, about float64) []float64 {
	var list []float64
	add := func(w float64) {
		if w > 0 && !slices.Contains(list, w) {
			list = append(list, w)
		}
	}
	if configured > 0 {
		add(configured)
	}
	const maxWidth = 16 // of mobilenet.Config
	about = min(max(about, 1e-3), maxWidth)
	tolerance := 0.05*about + 0.04 // rounding to a multiple of 8: 4 of 160 channels
	for _, step := range []float64{4, 8, 20, 16, 100, 32, 1000} {
		for i := math.Ceil((about - tolerance) * step); i <= (about+tolerance)*step; i++ {
			add(min(i/step, maxWidth))
		}
	}
	add(about)
	return list
}
