package data

import (
	"math"
	"slices"
	"testing"
)

// TestAbsurdOptions: sizes beyond the data set are those of the data set, in results and in memory.
func TestAbsurdOptions(t *testing.T) {
	d := photos(t, 20, false)
	all := training(2)
	all.BatchSize = 20
	want := drain(t, newLoader(t, d, all), 1, 0)
	for _, c := range []struct {
		name   string
		change func(*LoaderOptions)
	}{
		{"batch size", func(o *LoaderOptions) { o.BatchSize = math.MaxInt }},
		{"batch size a little above", func(o *LoaderOptions) { o.BatchSize = 21 }},
		{"shuffle buffer", func(o *LoaderOptions) { o.ShuffleBuffer = math.MaxInt }},
		{"prefetch", func(o *LoaderOptions) { o.Prefetch = math.MaxInt - 1 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := all
			c.change(&o)
			l := newLoader(t, d, o)
			if got := drain(t, l, 1, 0); !slices.Equal(got, want) {
				t.Errorf("%d batches, other ones than without", len(got))
			}
			if len(l.spare) != 1 || len(l.spare[0].pixels) != 20*24*24*3 {
				t.Errorf("it held %d batches", len(l.spare))
			}
		})
	}
	for name, change := range map[string]func(*LoaderOptions){
		"too many workers":  func(o *LoaderOptions) { o.Workers = MaxWorkers + 1 },
		"images of exabyte": func(o *LoaderOptions) { o.Preprocess.Resolution, o.Preprocess.Resize = 1<<30, 1<<30 },
	} {
		o := all
		change(&o)
		if _, err := NewLoader(d, o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestSlots: a loader holds the batch in use and those ahead, never more than an epoch has.
func TestSlots(t *testing.T) {
	for _, c := range []struct{ images, batch, workers, prefetch, want int }{
		{100, 10, 2, 0, 5},
		{100, 10, 2, 2, 3},
		{100, 10, 0, 7, 1},
		{30, 10, 2, 0, 3},
		{31, 10, 2, 0, 4},
		{5, 10, 2, 0, 1},
		{5, math.MaxInt, 2, 0, 1},
	} {
		o := LoaderOptions{BatchSize: c.batch, Workers: c.workers, Prefetch: c.prefetch}
		if got := o.Slots(c.images); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}
