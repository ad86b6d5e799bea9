package data

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestVerifyNamesUnreadableImagesInOrder(t *testing.T) {
	d := photos(t, 40, true)
	for _, workers := range []int{0, 1, 7} {
		got, err := Verify(t.Context(), d, workers)
		if err != nil {
			t.Fatal(err)
		}
		var want []Problem
		for _, s := range d.Samples {
			switch {
			case strings.HasSuffix(s.Path, "empty.jpg"):
				want = append(want, Problem{s.Path, "the file is empty"})
			case strings.HasSuffix(s.Path, "text.png"):
				want = append(want, Problem{s.Path, "not an image of a known format"})
			case strings.HasSuffix(s.Path, "gone.jpg"):
				want = append(want, Problem{s.Path, "no such file or directory"})
			}
		}
		if !reflect.DeepEqual(got, want) || len(got) != 15 {
			t.Errorf("%d workers: %q, want %q", workers, got, want)
		}
	}
}

func TestVerifyEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Verify(ctx, photos(t, 40, false), 2); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

func TestCheckUnreadable(t *testing.T) {
	problems := make([]Problem, 12)
	for i := range problems {
		problems[i] = Problem{"x.jpg", "broken"}
	}
	for _, c := range []struct {
		bad, images int
		limit       float64
		refused     bool
	}{
		{0, 10, 0, false}, {1, 10, 0, true}, {1, 10, 0.01, false}, {2, 10, 0.01, true},
		{10, 1000, 0.01, false}, {11, 1000, 0.01, true},
	} {
		err := CheckUnreadable(problems[:c.bad], c.images, c.limit)
		var many *UnreadableError
		if errors.As(err, &many) != c.refused {
			t.Errorf("%d of %d at %v: %v", c.bad, c.images, c.limit, err)
		}
	}
	text := CheckUnreadable(problems, 600, DefaultUnreadableLimit).Error()
	for _, want := range []string{"12 of 600", "1 %", "x.jpg: broken", "and 7 more"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in %q", want, text)
		}
	}
}
