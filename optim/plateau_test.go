package optim

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"
)

// TestPlateauMatchesPyTorch: the learning rates are those of torch's ReduceLROnPlateau, also if the state is stored and
// restored after each value.
func TestPlateauMatchesPyTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/plateau.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct {
		LR    float64
		Cases []struct {
			Name    string
			Options struct {
				Factor, Threshold  float64
				Patience, Cooldown int
				MinLR              float64 `json:"min_lr"`
				Mode               string
			}
			Values, Rates []float64
		}
	}
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Cases) != 10 {
		t.Fatalf("%d cases, want 10", len(golden.Cases))
	}
	for _, c := range golden.Cases {
		t.Run(c.Name, func(t *testing.T) {
			o := PlateauOptions{Factor: c.Options.Factor, Patience: c.Options.Patience, Threshold: c.Options.Threshold,
				Cooldown: c.Options.Cooldown, MinLR: c.Options.MinLR, Maximize: c.Options.Mode == "max"}
			p := NewPlateau(golden.LR, 0, o)
			for i, v := range c.Values {
				p.Observe(v)
				if got := p.LR(1000); !near(got, c.Rates[i]) {
					t.Fatalf("after value %d: %v, PyTorch has %v", i+1, got, c.Rates[i])
				}
				stored, err := json.Marshal(p.State())
				var state PlateauState
				if err == nil {
					err = json.Unmarshal(stored, &state)
				}
				if err != nil {
					t.Fatal(err)
				}
				p = NewPlateau(golden.LR, 0, o)
				p.SetState(state)
			}
		})
	}
}

// TestPlateauSpecial: NaN is no improvement, a warmup precedes, and wrong fields are named.
func TestPlateauSpecial(t *testing.T) {
	p := NewPlateau(0.1, 4, PlateauOptions{Patience: 1, Factor: 0.5})
	for step, want := range map[int64]float64{0: 0.025, 3: 0.1, 4: 0.1, 99: 0.1} {
		if got := p.LR(step); !near(got, want) {
			t.Errorf("step %d: %v, want %v", step, got, want)
		}
	}
	for _, v := range []float64{math.NaN(), math.NaN()} {
		p.Observe(v)
	}
	if got := p.LR(99); !near(got, 0.05) {
		t.Errorf("after two NaN: %v, want 0.05", got)
	}
	wrong := NewPlateau(0, -1, PlateauOptions{Factor: 2, Patience: -1, Threshold: -1, MinLR: math.NaN()})
	for _, want := range []string{"learning rate 0", "warmup of -1", "factor 2", "patience -1", "threshold -1", "minimum NaN"} {
		if err := wrong.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
