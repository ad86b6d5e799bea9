package config

import (
	"testing"

	"depthwise.dev/models/mobilenet"
)

func TestDefaultIsVariantPaper(t *testing.T) {
	want, err := mobilenet.Default("mobilenet_v1", "paper")
	if err != nil {
		t.Fatal(err)
	}
	want.Classes = 0 // the data decides
	if got := Default().Model; got != want {
		t.Errorf("Default().Model = %+v, want %+v", got, want)
	}
}
