package optim

import (
	"cmp"
	"errors"
	"fmt"
)

// Plateau multiplies the learning rate by Factor when a value that [Plateau.Observe] is given after each epoch has not
// improved for more than Patience epochs: torch.optim.lr_scheduler.ReduceLROnPlateau with a relative
// threshold. Unlike the other schedules it depends on the results of training: its State is a part of a
// checkpoint.
type Plateau struct {
	Base   float64
	Warmup int64 // steps
	PlateauOptions

	state PlateauState
}

// PlateauOptions are the options of [Plateau]. torch's defaults are patience 10 and threshold 1e-4.
type PlateauOptions struct {
	Factor    float64 // 0: 0.1
	Patience  int     // epochs without improvement that are tolerated
	Threshold float64 // relative change that counts as an improvement
	Cooldown  int     // epochs after a reduction in which nothing is counted
	MinLR     float64
	Maximize  bool // a greater value is better
}

// PlateauState is what a Plateau keeps between epochs.
type PlateauState struct {
	LR       float64 `json:"lr"`       // after the warmup
	Observed int     `json:"observed"` // epochs
	Best     float64 `json:"best"`     // meaningless while Observed is 0
	Bad      int     `json:"bad"`      // epochs without improvement
	Cooldown int     `json:"cooldown"` // epochs left
}

// plateauEps is the smallest change of the learning rate, torch's eps.
const plateauEps = 1e-8

// NewPlateau returns a schedule that starts with the learning rate base, after a warmup of as many steps.
func NewPlateau(base float64, warmup int64, o PlateauOptions) *Plateau {
	o.Factor = cmp.Or(o.Factor, 0.1)
	return &Plateau{Base: base, Warmup: warmup, PlateauOptions: o, state: PlateauState{LR: base}}
}

// LR implements [Schedule].
func (p *Plateau) LR(step int64) float64 {
	return warmUp(step, p.Warmup, func(int64) float64 { return p.state.LR })
}

// State returns the state, and SetState restores it.
func (p *Plateau) State() PlateauState { return p.state }

// SetState restores a state.
func (p *Plateau) SetState(s PlateauState) { p.state = s }

// Observe takes the value of an epoch and reduces the learning rate when it is due. NaN is no improvement.
func (p *Plateau) Observe(value float64) {
	s := &p.state
	if s.better(value, p.PlateauOptions) {
		s.Best, s.Observed, s.Bad = value, s.Observed+1, 0
	} else {
		s.Bad++
	}
	if s.Cooldown > 0 {
		s.Cooldown, s.Bad = s.Cooldown-1, 0
	}
	if s.Bad <= p.Patience {
		return
	}
	s.Cooldown, s.Bad = p.Cooldown, 0
	if lower := max(s.LR*p.Factor, p.MinLR); s.LR-lower > plateauEps {
		s.LR = lower
	}
}

func (s *PlateauState) better(value float64, o PlateauOptions) bool {
	switch {
	case !finite(value):
		return false
	case s.Observed == 0:
		return true
	case o.Maximize:
		return value > s.Best*(1+o.Threshold)
	}
	return value < s.Best*(1-o.Threshold)
}

// Validate reports all invalid fields.
func (p *Plateau) Validate() error {
	err := errors.Join(validate(p.Base, p.Warmup), validateFactor(p.Factor), notNegative("plateau", "threshold", p.Threshold), notNegative("plateau", "minimum", p.MinLR))
	if p.Patience < 0 || p.Cooldown < 0 {
		err = errors.Join(err, fmt.Errorf("optim: plateau: patience %d, cooldown %d: must not be negative", p.Patience, p.Cooldown))
	}
	return err
}

func plateauFrom(o ScheduleOptions) Schedule {
	p := o.Plateau
	p.Factor = o.Factor
	return NewPlateau(o.LR, o.warmup(0), p)
}
