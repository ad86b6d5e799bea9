package data

import (
	"slices"
	"testing"
)

func TestDigest(t *testing.T) {
	set := func(root string, change func(*Dataset)) string {
		d := &Dataset{Root: root, Classes: []string{"a", "b"}, Samples: []Sample{{Path: root + "/a/1.png"}, {Path: root + "/b/2.png", Class: 1}}}
		change(d)
		return Digest(d)
	}
	same := func(*Dataset) {}
	want := set("/x", same)
	if got := set("/elsewhere/y", same); got != want {
		t.Error("the place changes the digest")
	}
	for name, change := range map[string]func(*Dataset){
		"another class":     func(d *Dataset) { d.Classes[1] = "c" },
		"another name":      func(d *Dataset) { d.Samples[0].Path = d.Root + "/a/3.png" },
		"one image fewer":   func(d *Dataset) { d.Samples = d.Samples[:1] },
		"moved to a class":  func(d *Dataset) { d.Samples[0].Class = 1 },
		"in another order":  func(d *Dataset) { slices.Reverse(d.Samples) },
		"classes run on":    func(d *Dataset) { d.Classes = []string{"a\nb"} },
		"one class further": func(d *Dataset) { d.Classes = append(d.Classes, "c") },
	} {
		if set("/x", change) == want {
			t.Errorf("%s: the digest is the same", name)
		}
	}
	val := &Dataset{Root: "/x", Classes: []string{"a", "b"}, Samples: []Sample{{Path: "/x/a/9.png"}}}
	if train := (&Dataset{Root: "/x", Classes: val.Classes}); Digest(train, val) == Digest(train, nil) || Digest(train, val) == Digest(val, train) {
		t.Error("the validation images are left out of the digest")
	}
}
