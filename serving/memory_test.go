package serving

import (
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
)

// TestEngineMemory: 10,000 images in batches of all sizes leave as much memory in use as there was
// after the first 2,000.
func TestEngineMemory(t *testing.T) {
	k := engine(t, EngineConfig{Network: initial(tiny(t)), MaxBatch: 9, Options: backend.Options{Backend: "fused"}})
	pixels := picture(1, 32)
	classify := func(images, callers int) {
		var wait sync.WaitGroup
		for range callers {
			wait.Go(func() {
				for range images / callers {
					if _, err := k.Classify(t.Context(), pixels); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wait.Wait()
	}
	for _, callers := range []int{1, 2, 5, 20} {
		classify(500, callers)
	}
	values, resident := autograd.MemoryAllocated(), residentMemory(t)
	for _, callers := range []int{1, 2, 5, 20} {
		classify(2500, callers)
	}
	// 1 KB for each image would be 10 MB.
	if grown := residentMemory(t) - resident; grown > 5<<20 || autograd.MemoryAllocated() != values {
		t.Errorf("resident memory has grown by %d KB, that of tensors by %d", grown>>10, autograd.MemoryAllocated()-values)
	} else {
		t.Logf("resident memory has grown by %d KB", grown>>10)
	}
}

// residentMemory is what the process holds, in bytes, after a collection.
func residentMemory(t *testing.T) int64 {
	t.Helper()
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("no /proc here: ", err)
	}
	var size, pages int64
	if _, err := fmt.Sscan(string(text), &size, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}
