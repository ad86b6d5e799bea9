package page

import "depthwise.dev/report"

// result is a validation of the weights or of an average of them.
type result struct{ top1, top5, loss, mAP float64 }

// resultOf returns the result of an epoch that counts.
func resultOf(e report.Epoch) result {
	m := e.Counted()
	return result{m.Top1, m.Top5, m.Loss, m.MAP}
}

// best returns the best epoch and its result; nil without one.
func (d Data) best() (*report.Epoch, result) {
	e := d.History.Best()
	if e == nil {
		return nil, result{}
	}
	return e, resultOf(*e)
}
