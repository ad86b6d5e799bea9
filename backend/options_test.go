package backend

import (
	"errors"
	"slices"
	"testing"

	"depthwise.dev/internal/validate"
)

func TestOptions(t *testing.T) {
	for _, c := range []struct {
		name    string
		options Options
		fields  []string // wrong ones
	}{
		{"zero value", Options{}, nil},
		{"all of them", Options{Precision: "bf16", Device: "cuda:1", Backend: "torch", Threads: 2}, nil},
		{"all wrong", Options{Precision: "fp8", Device: "gpu", Backend: "backend", Threads: -1}, []string{"precision", "backend", "device", "threads"}},
		{"device without a number", Options{Device: "cuda:"}, []string{"device"}},
	} {
		var got []string
		if e, ok := errors.AsType[*validate.Error](c.options.Validate()); ok {
			for _, f := range e.Fields {
				got = append(got, f.Field)
			}
		}
		if !slices.Equal(got, c.fields) {
			t.Errorf("%s: wrong fields %q, want %q", c.name, got, c.fields)
		}
	}
}
