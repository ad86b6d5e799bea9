package data

import (
	"reflect"
	"testing"
)

func TestMatchRenumbers(t *testing.T) {
	d := &Dataset{Classes: []string{"a", "b", "c"}, Samples: []Sample{{Path: "1"}, {Path: "2", Class: 1}, {Path: "3", Class: 2}}}
	got, unknown, missing := d.Match([]string{"c", "x", "a"})
	if want := []Sample{{Path: "1", Class: 2}, {Path: "3"}}; !reflect.DeepEqual(got.Samples, want) {
		t.Errorf("samples %v, want %v", got.Samples, want)
	}
	if !reflect.DeepEqual(unknown, []string{"b"}) || !reflect.DeepEqual(missing, []string{"x"}) {
		t.Errorf("unknown %q, missing %q", unknown, missing)
	}
}
