package data

import "time"

// LoaderStats is the cost of the images that an iterator has loaded so far. Reading and Decoding are
// sums over the workers; Decoding includes augmentation.
type LoaderStats struct {
	Waited            time.Duration // in Next, see [Iterator.Waited]
	Reading, Decoding time.Duration
	Images            int   // including unreadable ones
	Pixels            int64 // of the images before resizing
	Bytes             int64 // of their files
}

// Stats returns the cost so far.
func (it *Iterator) Stats() LoaderStats {
	it.mu.Lock()
	defer it.mu.Unlock()
	s := it.stats
	s.Waited = it.waited
	return s
}

// add counts an image whose loading began at start.
func (s *LoaderStats) add(r *ImageReader, start time.Time) {
	took := time.Since(start)
	s.Reading += r.reading
	s.Decoding += took - r.reading
	s.Images++
	s.Pixels += int64(r.width) * int64(r.height)
	s.Bytes += int64(len(r.data))
}
