package optim

// Constant is a constant learning rate.
type Constant struct {
	Base   float64
	Warmup int64 // steps
}

// LR implements [Schedule].
func (c Constant) LR(step int64) float64 {
	return warmUp(step, c.Warmup, func(int64) float64 { return c.Base })
}

// Validate reports all invalid fields.
func (c Constant) Validate() error { return validate(c.Base, c.Warmup) }

func constantFrom(o ScheduleOptions) Schedule { return Constant{Base: o.LR, Warmup: o.warmup(0)} }
