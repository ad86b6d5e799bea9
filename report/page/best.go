package page

import "depthwise.dev/report"

// best returns the best epoch and its result; nil without one.
func (d Data) best() (*report.Epoch, report.Measured) {
	e := d.History.Best()
	if e == nil {
		return nil, report.Measured{}
	}
	return e, e.Counted()
}
