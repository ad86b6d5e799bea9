package suite

import (
	"fmt"
	"slices"
)

// Cell is the result of one engine in one row of a report.
type Cell struct {
	Engine    string  `json:"engine"`
	Relative  float64 `json:"relative"`          // the difference that is largest relative to its tolerance
	Tolerance float64 `json:"bound"`             // the largest allowed difference
	Value     string  `json:"value,omitempty"`   // the array with that difference
	Left      string  `json:"left,omitempty"`    // why the engine did not compute this
	Error     string  `json:"error,omitempty"`   // why it failed
	Failed    bool    `json:"failed"`            // Error is set, or Relative exceeds Tolerance
	Measure   string  `json:"measure,omitempty"` // "angle" for 1 - cosine
}

// Row is a layer, or a whole network, with a cell for each engine.
type Row struct {
	Name  string `json:"name"`
	Cells []Cell `json:"engines"`
}

// Report is the result of a check.
type Report struct {
	Layers   []Row `json:"layers"`
	Networks []Row `json:"networks"`
}

// Failures has a line for every cell that failed.
func (r Report) Failures() []string {
	var list []string
	for _, row := range append(slices.Clone(r.Layers), r.Networks...) {
		for _, c := range row.Cells {
			switch {
			case c.Error != "":
				list = append(list, fmt.Sprintf("%s, %s: %s", row.Name, c.Engine, c.Error))
			case c.Failed:
				list = append(list, fmt.Sprintf("%s, %s: %s differs by %.2g, more than %.2g", row.Name, c.Engine, c.Value, c.Relative, c.Tolerance))
			}
		}
	}
	return list
}

// Summary has a line for each engine with its largest difference over all layers and over all whole
// networks.
func (r Report) Summary() []string {
	var list []string
	for _, group := range []struct {
		what string
		rows []Row
	}{{"layers", r.Layers}, {"whole networks", r.Networks}} {
		if len(group.rows) == 0 {
			continue
		}
		for i := range group.rows[0].Cells {
			var worst Cell
			for _, row := range group.rows {
				worst = worst.merge(row.Cells[i])
			}
			if worst.Value != "" {
				list = append(list, fmt.Sprintf("%s, %s: %.2g, tolerance %.2g (%s)",
					group.what, worst.Engine, worst.Relative, worst.Tolerance, worst.Value))
			}
		}
	}
	return list
}

// merge returns the worse of two cells of one engine.
func (c Cell) merge(other Cell) Cell {
	switch {
	case c.Error != "" || other.Engine == "":
		return c
	case other.Error != "" || c.Value == "" || other.Relative*c.Tolerance > c.Relative*other.Tolerance:
		return other
	}
	return c
}
