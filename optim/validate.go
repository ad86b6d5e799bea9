package optim

import "fmt"

// notNegative validates a hyperparameter without an upper limit.
func notNegative(optimizer, name string, v float64) error {
	if !(v >= 0) {
		return fmt.Errorf("optim: %s: %s %v: must not be negative", optimizer, name, v)
	}
	return nil
}

// decayRate validates the decay of a moving average.
func decayRate(optimizer, name string, v float64) error {
	if !(v >= 0 && v < 1) {
		return fmt.Errorf("optim: %s: %s %v: must be at least 0 and below 1", optimizer, name, v)
	}
	return nil
}
