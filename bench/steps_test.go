package bench

import (
	"errors"
	"slices"
	"testing"
	"time"

	"depthwise.dev/internal/host"
)

func TestNewTiming(t *testing.T) {
	load := host.Load{Processors: 2}
	hundred := make([]float64, 100)
	for i := range hundred {
		hundred[i] = float64(100-i) / 1024 // 100 to 1
	}
	for _, c := range []struct {
		name    string
		seconds []float64
		want    Timing
	}{
		{"one", []float64{0.25}, Timing{250, 250, 250, 1, load, 0}},
		{"a slow one of three", []float64{0.5, 8, 0.5}, Timing{500, 8000, 3000, 3, load, 0}},
		{"the 99th of a hundred", hundred, Timing{1000 * 51. / 1024, 1000 * 99. / 1024, 1000 * 50.5 / 1024, 100, load, 0}},
	} {
		if got := newTiming(c.seconds, load); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

func TestStepsMedians(t *testing.T) {
	failure := errors.New("failure")
	for _, c := range []struct {
		name  string
		steps Steps
		rows  [][]float64 // then failure
		want  []float64   // nil: an error
	}{
		{"warmup is discarded", Steps{Warmup: 1, Count: 3}, [][]float64{{99, 99}, {3, 10}, {1, 30}, {2, 20}}, []float64{2, 20}},
		{"nothing", Steps{Warmup: 1}, [][]float64{{1}}, nil},
		{"a failure in the warmup", Steps{Warmup: 1, Count: 1}, nil, nil},
		{"a failure later", Steps{Count: 2}, [][]float64{{1}}, nil},
		{"more until the time has passed", Steps{Count: 1, Least: time.Hour}, [][]float64{{1}, {2}, {3}}, nil},
	} {
		rows := c.rows
		middle, timing, err := c.steps.medians(func() ([]float64, error) {
			if len(rows) == 0 {
				return nil, failure
			}
			row := rows[0]
			rows = rows[1:]
			return row, nil
		})
		if !slices.Equal(middle, c.want) || (err == nil) != (c.want != nil) || len(rows) != 0 {
			t.Errorf("%s: %v, want %v; error %v, %d rows left", c.name, middle, c.want, err, len(rows))
		}
		if c.want != nil && (timing.StepMS != 1000*c.want[len(c.want)-1] || timing.Measured != c.steps.Count || timing.Load.Processors < 1) {
			t.Errorf("%s: %+v", c.name, timing)
		}
	}
}
