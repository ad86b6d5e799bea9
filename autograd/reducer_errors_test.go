package autograd_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

// TestReducerErrors: what a caller or a rank does wrong is an error that says what, on that rank, and ends the others.
func TestReducerErrors(t *testing.T) {
	four := autograd.Contribution{Images: 4, Weight: 4}
	for _, tc := range []struct {
		name string
		want string
		use  func(s *autograd.Scope, p *autograd.ProcessGroup, m regression)
	}{
		{"unused parameter", "no gradient of w2: the loss of the step does not depend on it, or its backward pass has not run", func(s *autograd.Scope, p *autograd.ProcessGroup, m regression) {
			r := autograd.NewGradientReducer(s, p, autograd.ReducerOptions{Parameters: m.parameters, Names: regressionNames})
			r.Begin(s, four)
			s.Backward(s.Add(s.Sum(m.parameters[0]), s.Sum(m.parameters[2])))
			r.Finish(s)
		}},
		{"no backward pass", "no gradient of w1, w2, b and 1 more", func(s *autograd.Scope, p *autograd.ProcessGroup, m regression) {
			more := append(m.parameters, s.RequireGrad(s.Zeros(f64, autograd.CPU, 1)))
			r := autograd.NewGradientReducer(s, p, autograd.ReducerOptions{Parameters: more, Names: append(regressionNames, "c")})
			r.Begin(s, four)
			r.Finish(s)
		}},
		{"without names", "no gradient of parameter 0, parameter 1, parameter 2:", func(s *autograd.Scope, p *autograd.ProcessGroup, m regression) {
			r := autograd.NewGradientReducer(s, p, autograd.ReducerOptions{Parameters: m.parameters})
			r.Begin(s, four)
			r.Finish(s)
		}},
		{"two backward passes", "a second backward pass in one step", func(s *autograd.Scope, p *autograd.ProcessGroup, m regression) {
			r := autograd.NewGradientReducer(s, p, autograd.ReducerOptions{Parameters: m.parameters})
			r.Begin(s, four)
			s.Backward(m.mean(s))
			s.Backward(m.mean(s))
		}},
		{"two steps at once", "the previous step was not finished", func(s *autograd.Scope, p *autograd.ProcessGroup, m regression) {
			r := autograd.NewGradientReducer(s, p, autograd.ReducerOptions{Parameters: m.parameters})
			r.Begin(s, four)
			r.Begin(s, four)
		}},
		{"finish without begin", "no step was begun", func(s *autograd.Scope, p *autograd.ProcessGroup, m regression) {
			autograd.NewGradientReducer(s, p, autograd.ReducerOptions{Parameters: m.parameters}).Finish(s)
		}},
		{"negative weight", "4 images of weight -1", begin(autograd.Contribution{Images: 4, Weight: -1})},
		{"weight that is not a number", "4 images of weight nan", begin(autograd.Contribution{Images: 4, Weight: math.NaN()})},
		{"weight without images", "0 images of weight 2", begin(autograd.Contribution{Weight: 2})},
		{"negative images", "-1 images of weight 2", begin(autograd.Contribution{Images: -1, Weight: 2})},
		{"two reducers of a parameter", "has a reducer already", func(s *autograd.Scope, p *autograd.ProcessGroup, m regression) {
			autograd.NewGradientReducer(s, p, autograd.ReducerOptions{Parameters: m.parameters[:1]})
			autograd.NewGradientReducer(s, p, autograd.ReducerOptions{Parameters: m.parameters})
		}},
		{"frozen parameter", "a parameter of [2] takes no gradients", func(s *autograd.Scope, p *autograd.ProcessGroup, m regression) {
			s.SetRequiresGrad(m.parameters[2], false)
			autograd.NewGradientReducer(s, p, autograd.ReducerOptions{Parameters: m.parameters})
		}},
		{"several types", "parameters of several types: Double on cpu and Float on cpu", func(s *autograd.Scope, p *autograd.ProcessGroup, m regression) {
			more := append(m.parameters, s.RequireGrad(s.Zeros(f32, autograd.CPU, 1)))
			autograd.NewGradientReducer(s, p, autograd.ReducerOptions{Parameters: more})
		}},
		{"ranks with other parameters", "rank 1 adds up [15] Double where rank 0 adds up [27] Double", func(s *autograd.Scope, p *autograd.ProcessGroup, m regression) {
			parameters := m.parameters
			if p.Rank() == 1 {
				parameters = parameters[:1]
			}
			r := autograd.NewGradientReducer(s, p, autograd.ReducerOptions{Parameters: parameters})
			r.Begin(s, four)
			s.Backward(m.mean(s))
			r.Finish(s)
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			failed := autogradtest.EachRank(t, 2, func(s *autograd.Scope, p *autograd.ProcessGroup) { tc.use(s, p, newRegression(s, f64, 0, 4)) })
			for rank, err := range failed {
				if err == nil || !strings.Contains(err.Error(), tc.want) { // of the other rank, or its cause
					t.Errorf("rank %d: %v, want %q", rank, err, tc.want)
				}
			}
		})
	}
}

// begin is the use of a reducer that begins a step.
func begin(c autograd.Contribution) func(*autograd.Scope, *autograd.ProcessGroup, regression) {
	return func(s *autograd.Scope, p *autograd.ProcessGroup, m regression) {
		autograd.NewGradientReducer(s, p, autograd.ReducerOptions{Parameters: m.parameters}).Begin(s, c)
	}
}

// TestReducerOfFailedRank: a rank that fails within a step ends those that wait for it.
func TestReducerOfFailedRank(t *testing.T) {
	failed := autogradtest.EachRank(t, 3, func(s *autograd.Scope, p *autograd.ProcessGroup) {
		m := newRegression(s, f64, 0, 4)
		r := autograd.NewGradientReducer(s, p, autograd.ReducerOptions{Parameters: m.parameters})
		r.Begin(s, autograd.Contribution{Images: 4, Weight: 4})
		if p.Rank() == 1 {
			s.Fail(errors.New("the disk is full"))
			return
		}
		s.Backward(m.mean(s))
		r.Finish(s)
		if s.Err() == nil {
			t.Errorf("rank %d: no error", p.Rank())
		}
	})
	for rank, err := range failed {
		if err == nil || !strings.Contains(err.Error(), "the disk is full") {
			t.Errorf("rank %d: %v, want the cause", rank, err)
		}
	}
}

// TestReducerAfterItsScope: the parameters outlive the reducer, whose hooks are gone, and can have another one.
func TestReducerAfterItsScope(t *testing.T) {
	autogradtest.RunRanks(t, 2, func(s *autograd.Scope, p *autograd.ProcessGroup) {
		m := newRegression(s, f64, 0, 4)
		var first *autograd.GradientReducer
		s.Fail(s.Sub(func(s *autograd.Scope) error {
			first = autograd.NewGradientReducer(s, p, autograd.ReducerOptions{Parameters: m.parameters})
			first.Begin(s, autograd.Contribution{Images: 4, Weight: 4})
			return s.Err()
		}))
		s.Backward(m.mean(s))
		second := autograd.NewGradientReducer(s, p, autograd.ReducerOptions{Parameters: m.parameters})
		autograd.ZeroGrads(s, m.parameters)
		second.Begin(s, autograd.Contribution{Images: 4, Weight: 4})
		s.Backward(m.mean(s))
		second.Finish(s)
		err := s.Sub(func(s *autograd.Scope) error { first.Begin(s, autograd.Contribution{}); return s.Err() })
		if !errors.Is(err, autograd.ErrFreed) {
			t.Errorf("%v, want ErrFreed", err)
		}
	})
}

// TestNilReducer: one process needs no reducer.
func TestNilReducer(t *testing.T) {
	autogradtest.Run(t, func(s *autograd.Scope) {
		m := newRegression(s, f64, 0, 4)
		r := autograd.NewGradientReducer(s, nil, autograd.ReducerOptions{Parameters: m.parameters})
		if r != nil {
			t.Error("a reducer of no group")
		}
		s.Backward(m.mean(s))
		want := m.gradients(s)
		autograd.ZeroGrads(s, m.parameters)
		r.Begin(s, autograd.Contribution{Images: 4, Weight: 4})
		s.Backward(m.mean(s))
		r.Finish(s)
		checkClose(t, "gradients", m.gradients(s), want, 0)
		if n := len(r.Times().Buckets); n != 0 {
			t.Errorf("%d buckets", n)
		}
	})
}
