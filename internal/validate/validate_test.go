package validate

import (
	"errors"
	"math"
	"testing"
)

func TestFieldError(t *testing.T) {
	for _, c := range []struct {
		name  string
		field FieldError
		want  string
	}{
		{"value", FieldError{Field: "lr", Value: "-1", Want: "must be above 0"}, "lr -1: must be above 0"},
		{"no value", FieldError{Field: "lr", Want: "must be above 0"}, "lr: must be above 0"},
		{"in a file", FieldError{Field: "lr", Value: "-1", Want: "must be above 0", File: "a.yaml", Line: 3}, "a.yaml:3: lr -1: must be above 0"},
		{"no field", FieldError{Want: "not a mapping", File: "a.yaml", Line: 1}, "a.yaml:1: not a mapping"},
	} {
		if got := c.field.Error(); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestCollector(t *testing.T) {
	var none Collector
	none.Check(true, "a", 1, "x")
	none.OneOf("b", "x", []string{"x"})
	none.Within("c", 1, 1, 1, "x")
	if err := none.Err(); err != nil {
		t.Errorf("nothing is wrong: %v", err)
	}
	var v Collector
	v.Check(false, "a", 7, "must be 8")
	v.OneOf("b", "sdg", []string{"sgd", "adamw"})
	for _, x := range []float64{-0.5, 1.5, math.NaN(), math.Inf(1)} {
		v.Within("c", x, 0, 1, "must be from 0 to 1")
	}
	const want = `a 7: must be 8; b "sdg": did you mean sgd? allowed: sgd, adamw; c -0.5: must be from 0 to 1; ` +
		`c 1.5: must be from 0 to 1; c NaN: must be from 0 to 1; c +Inf: must be from 0 to 1`
	err := v.Err()
	if err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if e, ok := errors.AsType[*Error](err); !ok || len(e.Fields) != 6 || e.Fields[1].Field != "b" {
		t.Errorf("%#v", err)
	}
}

func TestOneField(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{Field("recipe", "", "must be set"), "recipe: must be set"},
		{OneOf("recipe", "papr", []string{"paper"}), `recipe "papr": did you mean paper? allowed: paper`},
	} {
		if e, ok := errors.AsType[*Error](c.err); !ok || len(e.Fields) != 1 || c.err.Error() != c.want {
			t.Errorf("%v, want %s", c.err, c.want)
		}
	}
}
