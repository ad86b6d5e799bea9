package report

import "errors"

// Multi passes every event to all recorders, even if some fail, and joins their errors.
type Multi []Recorder

// Record passes e to all recorders.
func (m Multi) Record(e Event) error {
	var errs []error
	for _, r := range m {
		errs = append(errs, r.Record(e))
	}
	return errors.Join(errs...)
}

// Close closes all recorders.
func (m Multi) Close() error {
	var errs []error
	for _, r := range m {
		errs = append(errs, r.Close())
	}
	return errors.Join(errs...)
}
