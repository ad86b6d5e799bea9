package config

import (
	"math"
	"strings"
	"testing"
)

// TestDecaysBeyondCounting: the schedule step lists its decays, so their number is bounded.
func TestDecaysBeyondCounting(t *testing.T) {
	for _, c := range []struct {
		name     string
		schedule string
		every    float64
		total    int64
		want     string
	}{
		{"tiny interval", "step", 1e-300, 10, "step_epochs 1e-300: gives 1e+301 decays of the learning rate"},
		{"endless run", "step", 0, 1 << 60, "step_epochs 30: gives"},
		{"most decays", "step", 0.01, 1000, ""},
		{"tiny interval of another schedule", "exp", 1e-300, 10, ""},
	} {
		config := Default()
		config.Schedule, config.StepEpochs = c.schedule, c.every
		_, err := config.NewSchedule(1, c.total)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// TestNewSchedule checks rates that follow from the recipes' words: 100 steps an epoch.
func TestNewSchedule(t *testing.T) {
	const epoch = 100
	for _, c := range []struct {
		name   string
		change func(*Config)
		epochs int64
		rates  map[int64]float64
	}{
		{"default: 5 % of the run rises to 0.05", func(*Config) {}, 90,
			map[int64]float64{0: 0.05 / 450, 449: 0.05, 450: 0.05, 450 + 8550/2: 0.025}},
		{"paper: x0.94 every 2.5 epochs", func(c *Config) { applyRecipe(t, c, "paper") }, 90,
			map[int64]float64{0: 0.045, 249: 0.045, 250: 0.045 * 0.94, 500: 0.045 * 0.94 * 0.94}},
		{"torchvision: x0.98 an epoch", func(c *Config) { applyRecipe(t, c, "torchvision") }, 300,
			map[int64]float64{99: 0.045, 100: 0.045 * 0.98, 29999: 0.045 * math.Pow(0.98, 299)}},
		{"exp of itself is the paper's", func(c *Config) { c.Schedule = "exp" }, 10,
			map[int64]float64{249: 0.05, 250: 0.05 * 0.94}},
		{"step of itself is x0.1 every 30", func(c *Config) { c.Schedule = "step" }, 90,
			map[int64]float64{0: 0.05, 2999: 0.05, 3000: 0.005, 6000: 0.0005, 8999: 0.0005}},
		{"step of half epochs", func(c *Config) { c.Schedule, c.StepEpochs, c.Gamma = "step", 0.5, 0.5 }, 2,
			map[int64]float64{49: 0.05, 50: 0.025, 199: 0.05 / 8}},
		{"constant after a warmup", func(c *Config) { c.Schedule, c.WarmupEpochs = "constant", 0.5 }, 4,
			map[int64]float64{0: 0.001, 49: 0.05, 399: 0.05}},
		{"onecycle begins at a 25th", func(c *Config) { c.Schedule, c.LR = "onecycle", 0.1 }, 4,
			map[int64]float64{0: 0.004, 119: 0.1, 399: 0.1 / 25e4}},
		{"run ends before its warmup", func(c *Config) { c.WarmupEpochs = 5 }, 1,
			map[int64]float64{0: 0.05 / 99, 98: 0.05, 99: 0.05}},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := Default()
			c.change(&config)
			s, err := config.NewSchedule(epoch, c.epochs*epoch)
			if err != nil {
				t.Fatal(err)
			}
			for step, want := range c.rates {
				// The rates are products of a few float64 factors.
				if got := s.LR(step); math.Abs(got-want) > 1e-12 {
					t.Errorf("step %d: rate %v, want %v", step, got, want)
				}
			}
		})
	}
}

func applyRecipe(t *testing.T, c *Config, name string) {
	t.Helper()
	if err := c.useRecipe(name, false); err != nil {
		t.Fatal(err)
	}
}
