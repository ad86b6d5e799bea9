package bench

// A StepProfile is what decides how long a training step of several ranks takes: the step of a rank by itself, and when which
// gradients are ready to be added up. Times are in milliseconds since the step began.
type StepProfile struct {
	StepMS     float64  `json:"step_ms"`     // the whole, without other ranks
	BackwardMS float64  `json:"backward_ms"` // the end of the backward pass
	Buckets    []Bucket `json:"buckets"`     // in the order in which they are added up
	// StatisticsBytes of running means and variances are averaged too, before the first bucket.
	StatisticsBytes int64 `json:"statistics_bytes"`
}

// A Bucket is the gradients that are added up together.
type Bucket struct {
	ReadyMS float64 `json:"ready_ms"`
	Bytes   int64   `json:"bytes"`
}

// Bytes is what each step adds up.
func (p StepProfile) Bytes() int64 {
	sum := p.StatisticsBytes
	for _, b := range p.Buckets {
		sum += b.Bytes
	}
	return sum
}

// A Prediction is how long a training step takes with some ranks on a link.
type Prediction struct {
	Ranks           int     `json:"ranks"`
	StepMS          float64 `json:"step_ms"`
	CommunicationMS float64 `json:"communication_ms"` // of all sums over ranks, one by one
	ExposedMS       float64 `json:"exposed_ms"`       // of them after the backward pass, when nothing is computed
	Efficiency      float64 `json:"efficiency"`       // the step of one rank divided by this one
}

// agreementBytes are those of the sum with which ranks agree on loss, images and requests after each step.
const agreementBytes = 128

// Predict returns the time of a step of this many ranks, each with a batch like the profile's. cpu is the processors' time in seconds
// that a byte of an all-reduce takes from computing, with all threads.
//
// A sum over ranks begins when its gradients are ready. Sums share the link, one after another, and wait for messages at the same time.
// What is left of them after the backward pass is exposed. All ranks are equally fast and have links of their own, without contention
// in the network.
func (p StepProfile) Predict(ranks int, l Link, cpu float64) Prediction {
	r := Prediction{Ranks: ranks}
	busy, end := 0.0, 0.0 // until when the link is used; the end of the last sum
	add := func(ready float64, bytes int64) {
		took := 1000 * l.AllReduce(bytes, ranks)
		busy = max(busy, ready) + 1000*Link{GBits: l.GBits}.AllReduce(bytes, ranks)
		end = max(end, busy, ready+took)
		r.CommunicationMS += took
	}
	for i, b := range p.Buckets {
		if i == 0 {
			add(b.ReadyMS, p.StatisticsBytes)
		}
		add(b.ReadyMS, b.Bytes)
	}
	backward := p.BackwardMS
	if ranks > 1 {
		backward += 1000 * cpu * float64(p.Bytes())
	}
	agreement := 1000 * l.AllReduce(agreementBytes, ranks)
	r.CommunicationMS += agreement
	r.ExposedMS = max(0, end-backward) + agreement
	r.StepMS = backward + r.ExposedMS + p.StepMS - p.BackwardMS
	r.Efficiency = p.StepMS / r.StepMS
	return r
}
