package optim

// WarmupSteps returns the number of steps of a schedule's linear warmup.
func WarmupSteps(s Schedule) int64 {
	switch s := s.(type) {
	case Constant:
		return s.Warmup
	case Step:
		return s.Warmup
	case Exponential:
		return s.Warmup
	case Cosine:
		return s.Warmup
	case OneCycle:
		return s.Warmup
	case *Plateau:
		return s.Warmup
	case ConstantFrom:
		return WarmupSteps(s.Main)
	case Stretched:
		return WarmupSteps(s.Main)
	}
	return 0
}
