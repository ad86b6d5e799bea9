package config

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

var errInterval = errors.New("must be a time such as 10m, or a number of steps such as 500steps")

// CheckpointInterval returns CheckpointEvery as a time or as a number of steps; the other one is 0.
// Both are 0 without an interval. The configuration must be valid.
func (c Config) CheckpointInterval() (every time.Duration, steps int64) {
	every, steps, err := interval(c.CheckpointEvery)
	if err != nil {
		return 0, 0
	}
	return every, steps
}

// interval parses 10m, 500steps or 1step.
func interval(text string) (every time.Duration, steps int64, err error) {
	if text == "" {
		return 0, 0, nil
	}
	number, isSteps := strings.CutSuffix(text, "steps")
	if !isSteps {
		number, isSteps = strings.CutSuffix(text, "step")
	}
	if isSteps {
		steps, err = strconv.ParseInt(strings.TrimSpace(number), 10, 64)
		if err != nil || steps < 1 {
			return 0, 0, errInterval
		}
		return 0, steps, nil
	}
	every, err = time.ParseDuration(text)
	if err != nil || every <= 0 {
		return 0, 0, errInterval
	}
	return every, 0, nil
}
