package autograd_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/backend"
	"depthwise.dev/models"
	"depthwise.dev/models/mobilenet"
	"depthwise.dev/optim"
)

// trainee is a network with its optimizer and its data.
type trainee struct {
	network        *backend.Network
	optimizer      optim.Optimizer
	images, labels *autograd.Tensor
}

func newTrainee(s *autograd.Scope, variant string, build func(*autograd.Scope, []optim.Parameter) optim.Optimizer) *trainee {
	config, err := mobilenet.Default("mobilenet_v1", variant)
	s.Fail(err)
	config.Width, config.Resolution, config.Classes = 0.25, 32, 4
	graph, err := config.Graph()
	s.Fail(err)
	t := &trainee{network: backend.New(s, graph, 1)}
	var parameters []optim.Parameter
	for _, p := range t.network.Parameters() {
		parameters = append(parameters, optim.Parameter{Name: p.Name, Tensor: p.Tensor})
	}
	t.optimizer = build(s, parameters)
	t.images = s.ChannelsLast(s.To(random(5, 4, 3, 32, 32).tensor(s), autograd.Float32))
	t.labels = autograd.FromSlice(s, []int64{0, 1, 2, 3}, 4)
	return t
}

// step is one of training. The loss is returned.
func (t *trainee) step(s *autograd.Scope) (loss float64, err error) {
	err = s.Sub(func(s *autograd.Scope) error {
		for _, p := range t.network.Parameters() {
			autograd.ZeroGrads(s, autograd.List{p.Tensor})
		}
		l := autograd.CrossEntropy{}.Loss(s, t.network.Forward(s, t.images, autograd.Training), t.labels)
		s.Backward(l)
		t.optimizer.Step(s, 0.01)
		loss = s.Item(l)
		return s.Err()
	})
	return loss, err
}

// initialThreads is how many there are before a test sets another number, which belongs to the system's thread that it was set on.
var initialThreads = autograd.Threads()

// inTurn trains two networks in turn, calling between after each step, and returns their losses.
func inTurn(ctx context.Context, steps int, between func(s *autograd.Scope, i int, both [2]*trainee) error) (losses []float64, err error) {
	err = autograd.Run(ctx, func(s *autograd.Scope) error {
		autograd.Seed(s, 1)
		autograd.SetThreads(s, 1)
		defer autograd.SetThreads(s, initialThreads)
		both := [2]*trainee{
			newTrainee(s, "paper", func(s *autograd.Scope, p []optim.Parameter) optim.Optimizer {
				return optim.NewSGD(s, p, optim.SGD{Momentum: 0.9})
			}),
			newTrainee(s, "article", func(s *autograd.Scope, p []optim.Parameter) optim.Optimizer {
				return optim.NewAdamW(s, p, optim.AdamW{Beta1: 0.9, Beta2: 0.999, Eps: 1e-8})
			}),
		}
		for i := range steps {
			if err := ctx.Err(); err != nil {
				return err
			}
			loss, err := both[i%2].step(s)
			if err != nil {
				return fmt.Errorf("step %d: %w", i, err)
			}
			losses = append(losses, loss)
			if err := between(s, i, both); err != nil {
				return err
			}
		}
		return nil
	})
	return losses, err
}

func undisturbed(*autograd.Scope, int, [2]*trainee) error { return nil }

// TestStressTraining trains, cancels at random steps, makes hooks, panics and operations fail in the middle of steps,
// and goes on. What was disturbed leaves nothing behind and changes no later run by a bit.
func TestStressTraining(t *testing.T) {
	const steps = 8
	want, err := inTurn(context.Background(), steps, undisturbed)
	if err != nil {
		t.Fatal(err)
	}
	watched := watchLeaks(t)
	random := rand.New(rand.NewPCG(11, 0))
	for round := range 4 {
		canceled(t, random.IntN(steps-1), want)
		disturbed(t, random.IntN(28), round)
	}
	// In one run, errors between and within steps, which the run survives.
	uses := slices.Concat(wrongUses, plainWrong, onDead)
	losses, err := inTurn(context.Background(), steps, func(s *autograd.Scope, i int, both [2]*trainee) error {
		for k := range 20 {
			if err := provokeOne(s, uses[(20*i+k)%len(uses)], int64(5+i), int64(5+steps+k)); err != nil {
				return err
			}
		}
		autograd.Seed(s, 1)
		return nil
	})
	if err != nil || !slices.Equal(losses, want) {
		t.Errorf("among errors: losses %v, want %v, error %v", losses, want, err)
	}
	watched.check(t)
}

// canceled ends a run by its context, from another goroutine, after a step.
func canceled(t *testing.T, after int, want []float64) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	losses, err := inTurn(ctx, len(want), func(_ *autograd.Scope, i int, _ [2]*trainee) error {
		if i == after {
			elsewhereCancel(cancel)
		}
		return nil
	})
	if !errors.Is(err, context.Canceled) || !slices.Equal(losses, want[:after+1]) {
		t.Errorf("canceled after step %d: losses %v, error %v", after, losses, err)
	}
}

func elsewhereCancel(cancel func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		cancel()
	}()
	<-done
}

// disturbed makes a layer fail in the second step: in the forward or the backward pass, by libtorch, an error or a panic.
func disturbed(t *testing.T, layer, way int) {
	fail := []func(s *autograd.Scope, y *autograd.Tensor){
		func(s *autograd.Scope, y *autograd.Tensor) { s.Reshape(y, 10007) },
		func(s *autograd.Scope, y *autograd.Tensor) { s.Fail(errMine) },
		func(s *autograd.Scope, y *autograd.Tensor) { panic(errMine) },
		func(s *autograd.Scope, y *autograd.Tensor) { s.Add(y, other2d(s, y)) },
	}[way%4]
	want := []string{"reshape", "mine", "panic: mine", "add"}[way%4]
	seen := 0
	_, err := inTurn(context.Background(), 4, func(s *autograd.Scope, i int, both [2]*trainee) error {
		if i > 0 {
			return nil
		}
		both[1].network.RegisterForwardHook(func(s *autograd.Scope, l models.Layer, y *autograd.Tensor) *autograd.Tensor {
			if seen++; seen-1 == layer {
				s.RegisterHook(y, func(s *autograd.Scope, g *autograd.Tensor) *autograd.Tensor { fail(s, g); return nil })
			}
			return nil
		})
		return nil
	})
	if err == nil || !strings.HasPrefix(err.Error(), "step 1: ") || !strings.Contains(err.Error(), "backward") || !strings.Contains(err.Error(), want) {
		t.Errorf("layer %d fails: error %v, want %s", layer, err, want)
	}
}

// other2d fits no activation.
func other2d(s *autograd.Scope, _ *autograd.Tensor) *autograd.Tensor {
	return s.Zeros(autograd.Float32, autograd.CPU, 3, 10007)
}
