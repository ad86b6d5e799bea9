package data

import "time"

// Effort is what an iterator has spent on its images so far. Reading and Decoding are
// sums over the workers; Decoding holds the augmentation too.
type Effort struct {
	Waited            time.Duration // in Next, see [Iterator.Waited]
	Reading, Decoding time.Duration
	Images            int   // that were read, the unreadable included
	Pixels            int64 // of the images as they lie on the disk
	Bytes             int64 // of their files
}

// Effort returns what was spent so far.
func (it *Iterator) Effort() Effort {
	it.mu.Lock()
	defer it.mu.Unlock()
	e := it.effort
	e.Waited = it.waited
	return e
}

// spend notes what an image, loaded since start, took.
func (e *Effort) spend(r *reader, start time.Time) {
	took := time.Since(start)
	e.Reading += r.reading
	e.Decoding += took - r.reading
	e.Images++
	e.Pixels += int64(r.width) * int64(r.height)
	e.Bytes += int64(len(r.data))
}
