package autograd_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"depthwise.dev/autograd"
)

// operations are all operations of a scope, given tensors that may be nil or invalid.
var operations = map[string]func(s *autograd.Scope, x, y *autograd.Tensor){
	"add":        func(s *autograd.Scope, x, y *autograd.Tensor) { s.Add(x, y) },
	"sub":        func(s *autograd.Scope, x, y *autograd.Tensor) { s.Subtract(x, y) },
	"mul":        func(s *autograd.Scope, x, y *autograd.Tensor) { s.Mul(x, y) },
	"div":        func(s *autograd.Scope, x, y *autograd.Tensor) { s.Div(x, y) },
	"matmul":     func(s *autograd.Scope, x, y *autograd.Tensor) { s.Matmul(x, y) },
	"conv2d":     func(s *autograd.Scope, x, y *autograd.Tensor) { s.Conv2d(x, y, y, autograd.Conv{}) },
	"linear":     func(s *autograd.Scope, x, y *autograd.Tensor) { s.Linear(x, y, nil) },
	"batch norm": func(s *autograd.Scope, x, y *autograd.Tensor) { newBatchNorm(s, y, y).Forward(s, x, autograd.Training) },
	"cross entropy": func(s *autograd.Scope, x, y *autograd.Tensor) {
		autograd.CrossEntropy{}.Loss(s, x, y)
	},
	"soft cross entropy": func(s *autograd.Scope, x, y *autograd.Tensor) { autograd.CrossEntropy{}.SoftLoss(s, x, y) },
	"copy":               func(s *autograd.Scope, x, y *autograd.Tensor) { s.Copy(x, y) },
	"list add scaled":    func(s *autograd.Scope, x, y *autograd.Tensor) { autograd.List{x}.AddScaled(s, autograd.List{y}, 1) },
	"list add product": func(s *autograd.Scope, x, y *autograd.Tensor) {
		autograd.List{x}.AddProduct(s, autograd.List{y}, autograd.List{y}, 1)
	},
	"list lerp": func(s *autograd.Scope, x, y *autograd.Tensor) { autograd.List{x}.Lerp(s, autograd.List{y}, 0.5) },
}

// unary are the operations for which no two shapes are incompatible.
var unary = map[string]func(s *autograd.Scope, x *autograd.Tensor){
	"scale":          func(s *autograd.Scope, x *autograd.Tensor) { s.Scale(x, 2) },
	"add scalar":     func(s *autograd.Scope, x *autograd.Tensor) { s.AddScalar(x, 2) },
	"square":         func(s *autograd.Scope, x *autograd.Tensor) { s.Square(x) },
	"sum":            func(s *autograd.Scope, x *autograd.Tensor) { s.Sum(x) },
	"mean":           func(s *autograd.Scope, x *autograd.Tensor) { s.Mean(x) },
	"reshape":        func(s *autograd.Scope, x *autograd.Tensor) { s.Reshape(x, 7, 7) },
	"softmax":        func(s *autograd.Scope, x *autograd.Tensor) { s.Softmax(x, 9) },
	"log softmax":    func(s *autograd.Scope, x *autograd.Tensor) { s.LogSoftmax(x, 9) },
	"relu":           func(s *autograd.Scope, x *autograd.Tensor) { s.ReLU(x) },
	"relu6":          func(s *autograd.Scope, x *autograd.Tensor) { s.ReLU6(x) },
	"relu_":          func(s *autograd.Scope, x *autograd.Tensor) { s.ReLUInPlace(x) },
	"relu6_":         func(s *autograd.Scope, x *autograd.Tensor) { s.ReLU6InPlace(x) },
	"global average": func(s *autograd.Scope, x *autograd.Tensor) { s.GlobalAvgPool(x) },
	"pad2d":          func(s *autograd.Scope, x *autograd.Tensor) { s.Pad2d(x, 1, 1, 1, 1) },
	"dropout":        func(s *autograd.Scope, x *autograd.Tensor) { s.Dropout(x, 0.5) },
	"detach":         func(s *autograd.Scope, x *autograd.Tensor) { s.Detach(x) },
	"require grad":   func(s *autograd.Scope, x *autograd.Tensor) { s.RequireGrad(x) },
	"backward":       func(s *autograd.Scope, x *autograd.Tensor) { s.Backward(x) },
	"grad":           func(s *autograd.Scope, x *autograd.Tensor) { s.Grad(x) },
	"to":             func(s *autograd.Scope, x *autograd.Tensor) { s.To(x, autograd.Int64) },
	"to device":      func(s *autograd.Scope, x *autograd.Tensor) { s.ToDevice(x, autograd.CPU) },
	"channels last":  func(s *autograd.Scope, x *autograd.Tensor) { s.ChannelsLast(x) },
	"gotch":          func(s *autograd.Scope, x *autograd.Tensor) { s.Gotch(x) },
	"to slice":       func(s *autograd.Scope, x *autograd.Tensor) { autograd.ToSlice[float32](s, x) },
	"copy from":      func(s *autograd.Scope, x *autograd.Tensor) { autograd.CopyFromSlice(s, x, []float32{1}) },
	"item":           func(s *autograd.Scope, x *autograd.Tensor) { s.Item(x) },
	"gradients of":   func(s *autograd.Scope, x *autograd.Tensor) { autograd.GradsOf(s, autograd.List{x}) },
	"zero grads":     func(s *autograd.Scope, x *autograd.Tensor) { autograd.ZeroGrads(s, autograd.List{x}) },
	"list clone":     func(s *autograd.Scope, x *autograd.Tensor) { autograd.List{x}.Clone(s) },
	"list full like": func(s *autograd.Scope, x *autograd.Tensor) { autograd.List{x}.FullLike(s, 1) },
	"list norm":      func(s *autograd.Scope, x *autograd.Tensor) { autograd.List{x}.Norm(s) },
}

// TestNilInputs: nil is an error in a scope without errors, never a crash. In a failed scope
// operations pass it on.
func TestNilInputs(t *testing.T) {
	all := map[string]func(s *autograd.Scope){}
	for name, op := range operations {
		all[name] = func(s *autograd.Scope) { op(s, nil, nil) }
	}
	for name, op := range unary {
		all[name] = func(s *autograd.Scope) { op(s, nil) }
	}
	for name, op := range all {
		t.Run(name, func(t *testing.T) {
			for mode, compute := range map[string]autograd.DType{"plain": autograd.Float32, "autocast": autograd.BFloat16} {
				err := failing(t, func(s *autograd.Scope) error {
					return s.Autocast(compute, func(s *autograd.Scope) error { op(s); return nil })
				})
				if !strings.Contains(err.Error(), "nil") {
					t.Errorf("%s: error %v", mode, err)
				}
				err = failing(t, func(s *autograd.Scope) error {
					return s.Autocast(compute, func(s *autograd.Scope) error { s.Fail(errMine); op(s); return nil })
				})
				if err != errMine {
					t.Errorf("%s: error %v, want the first", mode, err)
				}
			}
		})
	}
}

// TestErrorsNameShapes: errors name the operation and its inputs, without libtorch's C++ stack.
func TestErrorsNameShapes(t *testing.T) {
	for name, op := range operations {
		t.Run(name, func(t *testing.T) {
			err := failing(t, func(s *autograd.Scope) error {
				op(s, s.Zeros(autograd.Float32, autograd.CPU, 2, 3), s.Zeros(autograd.Float64, autograd.CPU, 5))
				return nil
			})
			checkMessage(t, err, "autograd: "+name, "float32[2 3]")
			if !strings.HasPrefix(name, "list") && !strings.Contains(err.Error(), "float64[5]") {
				t.Errorf("the second input is missing: %v", err)
			}
		})
	}
	for name, shape := range map[string][]int64{"reshape": {2, 3}, "softmax": {2, 3}, "log softmax": {2, 3}, "channels last": {2, 3}, "global average": {2}, "item": {2, 3}} {
		t.Run(name, func(t *testing.T) {
			err := failing(t, func(s *autograd.Scope) error {
				unary[name](s, s.Zeros(autograd.Float32, autograd.CPU, shape...))
				return nil
			})
			checkMessage(t, err, "autograd: "+name, fmt.Sprintf("float32%v", shape))
		})
	}
}

func checkMessage(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not contain %q", err, part)
		}
	}
	for _, noise := range []string{"Exception raised", "frame #", ".so", ".cpp"} {
		if strings.Contains(err.Error(), noise) {
			t.Errorf("the message shows %q: %v", noise, err)
		}
	}
}

// TestErrorsBelongToTheirCall provokes errors from several goroutines, with a successful operation
// between each two. libtorch's last error is a thread-local variable, which is easily lost or
// swapped.
func TestErrorsBelongToTheirCall(t *testing.T) {
	const goroutines, each = 4, 500
	before := autograd.LiveTensors()
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() {
			for i := range each {
				if err := provoke(int64(g+2), int64(i+1)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if leaked := autograd.LiveTensors() - before; leaked != 0 {
		t.Errorf("%d native tensors leaked", leaked)
	}
}

// provoke checks that an invalid product of distinctive shapes fails with those shapes, and that
// the valid operations around it succeed.
func provoke(a, b int64) error {
	err := autograd.Run(context.Background(), func(s *autograd.Scope) error {
		x, y := s.Zeros(autograd.Float32, autograd.CPU, a, b), s.Zeros(autograd.Float32, autograd.CPU, b+1, a)
		if s.Square(x); s.Err() != nil {
			return fmt.Errorf("misplaced: %w", s.Err())
		}
		if b%2 == 0 { // half of them through gotch, half through package native
			s.Matmul(x, y)
		} else {
			s.Copy(x, y)
		}
		return nil
	})
	if err == nil {
		return fmt.Errorf("shapes %d and %d: the error was lost", a, b)
	}
	if want := fmt.Sprintf("(float32[%d %d], float32[%d %d])", a, b, b+1, a); !strings.Contains(err.Error(), want) {
		return fmt.Errorf("want %s in: %w", want, err)
	}
	return nil
}
