//go:build !invariants

package autograd_test

import (
	"testing"
	"unsafe"

	"depthwise.dev/autograd"
)

// TestChecksCostNothing: without the tag a tensor holds only its handle and its owner.
func TestChecksCostNothing(t *testing.T) {
	if size := unsafe.Sizeof(autograd.Tensor{}); size != 2*unsafe.Sizeof(uintptr(0)) {
		t.Errorf("a tensor takes %d bytes", size)
	}
	if autograd.LiveTensors() != 0 {
		t.Error("tensors are counted")
	}
}
