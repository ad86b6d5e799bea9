package backend

import (
	"testing"

	"depthwise.dev/internal/host"
)

func TestWorkers(t *testing.T) {
	for _, device := range []string{"cpu", "cuda:999", "no device"} { // a wrong device is an error elsewhere
		if got, want := Workers(device), host.Workers(); got != want {
			t.Errorf("%s: %d workers, want %d", device, got, want)
		}
	}
}
