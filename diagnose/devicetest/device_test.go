package devicetest

import (
	"cmp"
	"os"
	"testing"

	"depthwise.dev/autograd"
)

// deviceVariable names the device that the tests use.
const deviceVariable = "DEPTHWISE_TEST_DEVICE"

// deviceName is the device's name, as of --device.
func deviceName() string { return cmp.Or(os.Getenv(deviceVariable), "cpu") }

// device is the device that the tests use. That it is missing is a failure: a test that is skipped on a GPU machine proves nothing.
func device(t *testing.T) autograd.Device {
	t.Helper()
	d, err := autograd.ParseDevice(deviceName())
	if err != nil {
		t.Fatalf("%s: %v", deviceVariable, err)
	}
	return d
}

// TestDevice: the named device is there, and a tensor that was moved to it is on it.
func TestDevice(t *testing.T) {
	d := device(t)
	err := autograd.Run(t.Context(), func(s *autograd.Scope) error {
		x := s.ToDevice(autograd.FromSlice(s, []float32{1, 2}, 2), d)
		if x.Device() != d {
			t.Errorf("the tensor is on %v, want %v", x.Device(), d)
		}
		if sum := s.Item(s.Sum(x)); sum != 3 {
			t.Errorf("the sum on %v is %v, want 3", d, sum)
		}
		return s.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}
