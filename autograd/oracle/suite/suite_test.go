package suite

import (
	"context"
	"fmt"
	"testing"

	"depthwise.dev/autograd"
)

func TestCases(t *testing.T) {
	for _, scale := range []float64{1, 0.01, 30} {
		for _, c := range append(Operations(scale), Layers()...) {
			want, err := Reference.Case(context.Background(), c)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range Engines {
				t.Run(fmt.Sprintf("%v/%s/%s", scale, c.Name, e.Name), func(t *testing.T) {
					if c.Gorgonia == nil && e.Name == "gorgonia" || e.Case == nil || scale != 1 && !e.Doubles {
						return
					}
					got, err := e.Case(context.Background(), c)
					if err != nil {
						t.Fatal(err)
					}
					list, err := Compare(want, got)
					if err != nil {
						t.Fatal(err)
					}
					for _, d := range list {
						t.Logf("%s %s %s %.2e", c.Name, e.Name, d.Value, d.Relative)
						if !(d.Relative <= e.Bound) {
							t.Errorf("%s: %.2e", d.Value, d.Relative)
						}
					}
				})
			}
		}
	}
}
var _ = autograd.CPU
