package serving

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"depthwise.dev/backend"
	"depthwise.dev/models/mobilenet"
)

// BenchmarkEngine is a server under load: callers that send the next request as soon as they have a
// response, for the whole network at 224. It reports images per second, the median and the 99th
// percentile of the latency, and the mean batch size.
func BenchmarkEngine(b *testing.B) {
	config, err := mobilenet.Default("mobilenet_v1", "paper")
	if err != nil {
		b.Fatal(err)
	}
	for _, precision := range []string{"fp32", "bf16"} {
		for _, callers := range []int{1, 2, 8, 32} {
			b.Run(fmt.Sprintf("%s/callers=%d", precision, callers), func(b *testing.B) {
				k, err := NewEngine(EngineConfig{Network: initial(config), Std: [3]float64{1, 1, 1},
					Options: backend.Options{Precision: precision, Backend: "fused"}})
				if err != nil {
					b.Fatal(err)
				}
				defer k.Close()
				ask(b, k, callers, 4*callers) // warms up
				before := k.Stats()
				b.ResetTimer()
				latencies := ask(b, k, callers, b.N)
				b.StopTimer()
				slices.Sort(latencies)
				ms := func(share float64) float64 {
					return 1000 * latencies[int(share*float64(len(latencies)-1))].Seconds()
				}
				after := k.Stats()
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "img/s")
				b.ReportMetric(ms(0.5), "p50-ms")
				b.ReportMetric(ms(0.99), "p99-ms")
				b.ReportMetric(float64(after.Images-before.Images)/float64(after.Batches-before.Batches), "img/batch")
			})
		}
	}
}

// ask classifies n images from concurrent callers and returns the latency of each.
func ask(b *testing.B, k *Engine, callers, n int) []time.Duration {
	took := make([]time.Duration, n)
	var next atomic.Int64
	var wait sync.WaitGroup
	for c := range callers {
		wait.Go(func() {
			pixels := picture(uint64(c), k.Graph.Input.Height)
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				start := time.Now()
				if _, err := k.Classify(b.Context(), pixels); err != nil {
					b.Error(err)
				}
				took[i] = time.Since(start)
			}
		})
	}
	wait.Wait()
	return took
}
