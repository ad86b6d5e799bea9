package data

import "math/rand/v2"

// run is a sequence of samples in one container.
type run struct{ first, count int }

func (d *Dataset) runs() []run {
	var runs []run
	for i, s := range d.Samples {
		if i == 0 || s.Part.In != d.Samples[i-1].Part.In {
			runs = append(runs, run{first: i})
		}
		runs[len(runs)-1].count++
	}
	return runs
}

// streamOrder is the order of an epoch that reads containers sequentially: the containers are
// shuffled, the sequence of their samples is cut into buffers, and each buffer is shuffled. At any
// time the containers of at most two buffers are in use.
func streamOrder(d *Dataset, buffer int, rng *rand.Rand) []int32 {
	runs := d.runs()
	rng.Shuffle(len(runs), func(i, j int) { runs[i], runs[j] = runs[j], runs[i] })
	order := make([]int32, 0, d.Len())
	for _, r := range runs {
		for i := range r.count {
			order = append(order, int32(r.first+i))
		}
	}
	for rest := order; len(rest) > 0; {
		now := rest[:min(buffer, len(rest))]
		rng.Shuffle(len(now), func(i, j int) { now[i], now[j] = now[j], now[i] })
		rest = rest[len(now):]
	}
	return order
}
