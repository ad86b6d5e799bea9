package bench

import "errors"

// A Link is what connects ranks, as their programs see it: with the work of gloo and of the operating system.
type Link struct {
	// LatencyUS is what a small message takes: a round trip, since gloo sends when the receiver has said that it is ready
	// (NOTIFY_RECV_READY in gloo/transport/tcp/pair.cc).
	LatencyUS float64 `json:"latency_us"`
	GBits     float64 `json:"gbit_s"` // that a rank sends and at the same time receives; 0: without a limit
}

// segmentBytes is the largest part of a tensor that gloo sends at once: maxSegmentSize of gloo/allreduce.h.
const segmentBytes = 1 << 20

// gatheredBytes of all ranks are not added up on the ring: each rank gathers all terms of such a small sum (gathered_bytes in
// autograd/native/distributed/process_group.cc).
const gatheredBytes = 128 << 10

// AllReduce is the time in seconds of an all-reduce of so many bytes.
//
// gloo computes it on a ring, whatever the size (https://github.com/pytorch/gloo/blob/main/gloo/allreduce.cc: UNSPECIFIED is
// RING). Each rank passes parts of bytes/ranks to its neighbor, ranks-1 times to add up and ranks-1 times to distribute. Of small
// tensors it passes all bytes, ranks-1 times, in two segments (allgather.cc there).
func (l Link) AllReduce(bytes int64, ranks int) float64 {
	n := int64(ranks)
	switch {
	case ranks < 2 || bytes == 0:
		return 0
	case n*bytes <= gatheredBytes:
		return l.pass(float64(bytes), 2, n)
	}
	return 2 * l.pass(float64(bytes)/float64(n), max(2, divideUp(divideUp(bytes, segmentBytes), n)), n)
}

// pass is the time in which each rank has passed parts of so many bytes ranks-1 times. A part is sent in at least two segments, and
// two segments are under way at a time: a segment leaves when the link is free and the one before the last has arrived from the
// other neighbor.
func (l Link) pass(part float64, segments, ranks int64) float64 {
	transfer := 0.0 // of a segment
	if l.GBits > 0 {
		transfer = 8e-9 * part / float64(segments) / l.GBits
	}
	free, arrived := 0.0, [2]float64{}
	for i := range (ranks - 1) * segments {
		free = max(free, arrived[i%2]) + transfer
		arrived[i%2] = free + 1e-6*l.LatencyUS
	}
	return max(arrived[0], arrived[1])
}

func divideUp(a, b int64) int64 { return (a + b - 1) / b }

// RankGBits is what each rank sends, and at the same time receives, in an all-reduce that takes some seconds: 2 (ranks-1) / ranks
// of the bytes. Where the link is the bottleneck it is the link's bandwidth, for any number of ranks.
func RankGBits(bytes int64, ranks int, seconds float64) float64 {
	return 8e-9 * float64(bytes) * 2 * float64(ranks-1) / float64(ranks) / seconds
}

// largestBucket is that of the gradients of a MobileNet, about: larger tensors no longer fit into caches, and take longer.
const largestBucket = 16 << 20

// fitLink returns the link that explains the median times of all-reduces: its latency by the shortest, of which terms are gathered,
// its bandwidth by the largest size of at most largestBucket, or else by the first.
func fitLink(ranks int, sizes []AllReduceSize) (Link, error) {
	if len(sizes) == 0 || ranks < 2 {
		return Link{}, errors.New("bench: a link needs all-reduces of at least two ranks")
	}
	shortest, largest := sizes[0], sizes[0]
	for _, s := range sizes {
		if s.MedianMS < shortest.MedianMS {
			shortest = s
		}
		if s.Bytes > largest.Bytes && s.Bytes <= largestBucket {
			largest = s
		}
	}
	return Link{LatencyUS: 1000 * shortest.MedianMS / float64(ranks-1), GBits: RankGBits(largest.Bytes, ranks, largest.MedianMS/1000)}, nil
}
