package devicetest

import (
	"testing"

	"depthwise.dev/autograd"
)

// TestOutOfMemory: what no memory holds is an error of its scope, and the process computes on.
func TestOutOfMemory(t *testing.T) {
	d := device(t)
	err := autograd.Run(t.Context(), func(s *autograd.Scope) error {
		for range 2 {
			tooMuch := s.Sub(func(s *autograd.Scope) error {
				s.Zeros(autograd.Float32, d, 1<<44) // 64 TB
				return s.Err()
			})
			if tooMuch == nil {
				t.Error("64 TB were allocated")
			}
			if sum := s.Item(s.Sum(s.AddScalar(s.Zeros(autograd.Float32, d, 1000), 2))); sum != 2000 {
				t.Errorf("the sum after the error is %v, want 2000", sum)
			}
		}
		return s.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
}
