package autograd_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/autograd/autogradtest"
)

type (
	scope  = *autograd.Scope
	tensor = *autograd.Tensor
)

// wrongUse is a use that makes an operation fail: in libtorch if possible, else in Go.
type wrongUse struct {
	of    string         // the operation as Go names it: "Scope.Add"
	name  string         // in its errors
	given autograd.DType // of x, two dimensions a and b, which the error must contain
	use   func(s scope, x tensor)
}

const (
	f32, f64, i64, u8 = autograd.Float32, autograd.Float64, autograd.Int64, autograd.Uint8
	boolean           = autograd.Bool
)

// other returns a tensor whose shape is incompatible with x in both dimensions.
func other(s scope, x tensor) tensor {
	shape := x.Shape()
	return s.Zeros(f64, autograd.CPU, shape[0]+2, shape[1]+3)
}

// leaf returns x as a leaf of a graph.
func leaf(s scope, x tensor) tensor { return s.RequireGrad(x) }

func one(x tensor) autograd.List { return autograd.List{x} }

// update returns an update of a parameter's average.
func update(parameter, average tensor) autograd.Update {
	var p autograd.UpdateProgram
	to := p.Array(one(average))
	p.Lerp(to, to, p.Parameter(), 0.5)
	return autograd.Update{Groups: []autograd.UpdateGroup{{Parameters: one(parameter), Program: &p}}}
}

func identity(s scope, in []tensor) tensor { return in[0] }

// alone is a group of one rank.
func alone(s scope) *autograd.ProcessGroup {
	group, err := autograd.LocalProcessGroups(1)
	if err != nil {
		s.Fail(err)
		return nil
	}
	s.Defer(group[0].FreeLocal)
	return group[0]
}

// wrongUses has an entry for each operation of the package.
var wrongUses = []wrongUse{
	{"Scope.Add", "add", f32, func(s scope, x tensor) { s.Add(x, other(s, x)) }},
	{"Scope.Subtract", "sub", f32, func(s scope, x tensor) { s.Subtract(x, other(s, x)) }},
	{"Scope.Mul", "mul", f32, func(s scope, x tensor) { s.Mul(x, other(s, x)) }},
	{"Scope.Div", "div", f32, func(s scope, x tensor) { s.Div(other(s, x), x) }},
	{"Scope.Cat", "cat", f32, func(s scope, x tensor) { s.Cat(0, x, other(s, x)) }},
	{"Scope.Slice", "slice", f32, func(s scope, x tensor) { s.Slice(x, 2, 0, 1) }},
	{"Scope.Max", "max", f32, func(s scope, x tensor) { s.Max(x, 2) }},
	{"Scope.Argmax", "argmax", f32, func(s scope, x tensor) { s.Argmax(x, -3) }},
	{"Scope.Matmul", "matmul", f32, func(s scope, x tensor) { s.Matmul(x, x) }},
	{"Scope.Reshape", "reshape", f32, func(s scope, x tensor) { s.Reshape(x, 10007) }},
	{"Scope.Softmax", "softmax", f32, func(s scope, x tensor) { s.Softmax(x, 2) }},
	{"Scope.LogSoftmax", "log softmax", f32, func(s scope, x tensor) { s.LogSoftmax(x, -3) }},
	{"Scope.Mean", "mean", i64, func(s scope, x tensor) { s.Mean(x) }},
	{"Scope.ToDevice", "to device", f32, func(s scope, x tensor) { s.ToDevice(x, autograd.CUDA(99)) }},
	{"Scope.ChannelsLast", "channels last", f32, func(s scope, x tensor) { s.ChannelsLast(x) }},
	{"Scope.Conv2d", "conv2d", f32, func(s scope, x tensor) { s.Conv2d(x, x, nil, autograd.Conv{}) }},
	{"Scope.Pad2d", "pad2d", f32, func(s scope, x tensor) { s.Pad2d(x, -10007, 0, 0, 0) }},
	{"Scope.PadValue2d", "pad2d", f32, func(s scope, x tensor) { s.PadValue2d(x, autograd.Sides{Left: -10007}, 1) }},
	{"Scope.Linear", "linear", f32, func(s scope, x tensor) { s.Linear(x, other(s, x), nil) }},
	{"Scope.FusedLinear", "fused linear", f32, func(s scope, x tensor) { s.FusedLinear(x, other(s, x), nil) }},
	{"Scope.ReLU", "relu", boolean, func(s scope, x tensor) { s.ReLU(x) }},
	{"Scope.ReLUInPlace", "relu_", f32, func(s scope, x tensor) { s.ReLUInPlace(leaf(s, x)) }},
	{"Scope.ReLU6", "relu6", boolean, func(s scope, x tensor) { s.ReLU6(x) }},
	{"Scope.ReLU6InPlace", "relu6_", f32, func(s scope, x tensor) { s.ReLU6InPlace(leaf(s, x)) }},
	{"Scope.MaxPool2d", "max pool", f32, func(s scope, x tensor) { s.MaxPool2d(x, autograd.Pool{Kernel: 2}) }},
	{"Scope.AvgPool2d", "average pool", f32, func(s scope, x tensor) { s.AvgPool2d(x, autograd.Pool{Kernel: 2}) }},
	{"Scope.GlobalAvgPool", "global average pool", i64, func(s scope, x tensor) { s.GlobalAvgPool(x) }},
	{"BatchNorm.Forward", "batch norm", f32, func(s scope, x tensor) { newBatchNorm(s, x, x).Forward(s, x, autograd.Training) }},
	{"Backbone.Forward", "fused backbone", f32, func(s scope, x tensor) { autograd.Backbone{}.Forward(s, x, nil, nil, autograd.Training) }},
	{"FoldedBackbone.Forward", "folded backbone", f32, func(s scope, x tensor) {
		autograd.NewFoldedBackbone(s, autograd.Float32, nil, nil).Forward(s, autograd.Backbone{}, x)
	}},
	{"FoldedBackbone.Logits", "folded backbone", f32, func(s scope, x tensor) {
		autograd.NewFoldedBackbone(s, autograd.Float32, nil, nil).WithHead(x, nil).Logits(s, autograd.Backbone{}, x)
	}},
	{"FusedConv.Forward", "fused convolution", f32, func(s scope, x tensor) {
		autograd.FusedConv{}.Forward(s, x, x, nil, autograd.BatchNorm{Weight: x, Bias: x, Mean: x, Var: x}, nil)
	}},
	{"FoldedConv.Fold", "fused convolution", f32, func(s scope, x tensor) {
		autograd.NewFoldedConv(s, f32).Fold(s, x, nil, autograd.BatchNorm{Weight: other(s, x), Bias: x, Mean: x, Var: x}, 1)
	}},
	{"FoldedConv.Forward", "fused convolution", f32, func(s scope, x tensor) {
		f, ones := autograd.NewFoldedConv(s, f32), autograd.FromSlice(s, []float32{1}, 1)
		f.Fold(s, autograd.FromSlice(s, []float32{1}, 1, 1, 1, 1), nil, autograd.BatchNorm{Weight: ones, Bias: ones, Mean: ones, Var: ones, Eps: 1}, 1)
		f.Forward(s, autograd.FusedConv{}, x, autograd.NoActivation, nil)
	}},
	{"Scope.FusedNormalizePixels", "normalize pixels", f32, func(s scope, x tensor) { s.FusedNormalizePixels(x, [3]float64{}, [3]float64{1, 1, 1}) }},
	{"CrossEntropy.Loss", "cross entropy", f32, func(s scope, x tensor) { autograd.CrossEntropy{}.Loss(s, x, other(s, x)) }},
	{"CrossEntropy.SoftLoss", "soft cross entropy", f32, func(s scope, x tensor) { autograd.CrossEntropy{}.SoftLoss(s, x, other(s, x)) }},
	{"BinaryCrossEntropy.Loss", "binary cross entropy", f32, func(s scope, x tensor) { autograd.BinaryCrossEntropy{}.Loss(s, x, s.Reshape(x, -1)) }},
	{"CrossEntropy.Fused", "fused cross entropy", f32, func(s scope, x tensor) {
		autograd.CrossEntropy{}.Fused(s, x, autograd.Targets{Labels: []int64{0}})
	}},
	{"Scope.RequireGrad", "require grad", i64, func(s scope, x tensor) { s.RequireGrad(x) }},
	{"Scope.SetRequiresGrad", "require grad", f32, func(s scope, x tensor) { s.SetRequiresGrad(s.Scale(leaf(s, x), 1), false) }},
	{"Scope.Backward", "backward", f32, func(s scope, x tensor) { s.Backward(x) }},
	{"Scope.BackwardWith", "backward", f32, func(s scope, x tensor) {
		s.BackwardWith(s.Scale(leaf(s, x), 1), autograd.BackwardOptions{Gradient: other(s, x)})
	}},
	{"Grad", "grad of", f32, func(s scope, x tensor) { autograd.Grad(s, one(x), one(x), autograd.GradOptions{}) }},
	{"Scope.RegisterHook", "register hook", f32, func(s scope, x tensor) {
		s.RegisterHook(x, func(scope, tensor) tensor { return nil })
	}},
	{"Scope.Apply", "function autograd_test.wrongBackward", f32, func(s scope, x tensor) {
		s.Backward(s.Sum(s.Apply(wrongBackward{func(s scope) tensor { return s.Matmul(x, x) }}, leaf(s, x))[0]))
	}},
	{"Scope.Checkpoint", "checkpoint", f32, func(s scope, x tensor) {
		calls := 0
		s.Backward(s.Sum(s.Checkpoint(func(s scope, in []tensor) tensor {
			if calls++; calls == 2 {
				return s.Matmul(in[0], in[0])
			}
			return s.Square(in[0])
		}, leaf(s, x))))
	}},
	{"GradCheck", "gradient check", f32, func(s scope, x tensor) {
		s.Fail(autograd.GradCheck(s, identity, []tensor{leaf(s, x)}, autograd.GradCheckOptions{}))
	}},
	{"GradGradCheck", "gradient check", f32, func(s scope, x tensor) {
		s.Fail(autograd.GradGradCheck(s, identity, []tensor{leaf(s, x)}, autograd.GradCheckOptions{}))
	}},
	{"Scope.Copy", "copy", f32, func(s scope, x tensor) { s.Copy(x, other(s, x)) }},
	{"Scope.Item", "item", f32, func(s scope, x tensor) { s.Item(x) }},
	{"GradsOf", "gradients", f32, func(s scope, x tensor) { autograd.GradsOf(s, one(x)) }},
	{"List.Plus", "list plus", f32, func(s scope, x tensor) { one(x).Plus(s, one(other(s, x)), 1) }},
	{"List.AddScaled", "list add scaled", f32, func(s scope, x tensor) { one(x).AddScaled(s, one(other(s, x)), 1) }},
	{"Update.Apply", "fused update", f32, func(s scope, x tensor) { update(x, other(s, x)).Apply(s) }},
	{"Update.Norm", "fused update norm", f32, func(s scope, x tensor) { update(x, other(s, x)).Norm(s) }},
	{"List.AddProduct", "list add product", f32, func(s scope, x tensor) { one(x).AddProduct(s, one(x), one(other(s, x)), 1) }},
	{"List.AddQuotient", "list add quotient", f32, func(s scope, x tensor) { one(x).AddQuotient(s, one(x), one(other(s, x)), 1) }},
	{"List.Lerp", "list lerp", f32, func(s scope, x tensor) { one(x).Lerp(s, one(other(s, x)), 0.5) }},
	{"List.CopyFrom", "list copy", f32, func(s scope, x tensor) { one(x).CopyFrom(s, one(other(s, x))) }},
	{"List.Sqrt", "list sqrt", i64, func(s scope, x tensor) { one(x).Sqrt(s) }},
	{"List.Scale", "list scale", i64, func(s scope, x tensor) { one(x).Scale(s, 0.5) }},
	{"List.AddScalar", "list add scalar", i64, func(s scope, x tensor) { one(x).AddScalar(s, 0.5) }},
	{"List.FullLike", "list add scalar", i64, func(s scope, x tensor) { one(x).FullLike(s, 0.5) }},
	{"List.Unscale", "list unscale", i64, func(s scope, x tensor) { one(x).Unscale(s, s.Zeros(f32, autograd.CPU), s.Zeros(f32, autograd.CPU)) }},
	{"List.Restore", "list restore", i64, func(s scope, x tensor) { one(x).Restore(s, one(x), s.Zeros(f32, autograd.CPU)) }},
	{"UpdateLossScale", "update loss scale", f32, func(s scope, x tensor) {
		autograd.UpdateLossScale(s, x, s.Zeros(autograd.Int32, autograd.CPU), s.Zeros(f32, autograd.CPU), autograd.LossScaling{Growth: 2, Backoff: 0.5, Interval: 1})
	}},
	{"List.Norm", "list norm", i64, func(s scope, x tensor) { one(x).Norm(s) }},
	{"List.NormTensor", "list norm", i64, func(s scope, x tensor) { one(x).NormTensor(s) }},
	{"Scope.CountCorrect", "count correct", f32, func(s scope, x tensor) { s.CountCorrect(x, x) }},
	{"Scope.ExactMatches", "exact matches", f32, func(s scope, x tensor) { s.ExactMatches(x, other(s, x)) }},
	{"Scope.NormalizePixels", "normalize pixels", f32, func(s scope, x tensor) { s.NormalizePixels(x, [3]float64{}, [3]float64{}) }},
	{"Scope.ForwardModule", "reshape", f32, func(s scope, x tensor) {
		s.ForwardModule(s.Module(func(s scope, x tensor) tensor { return s.Reshape(x, 10007) }), x)
	}},
	{"Scope.Module", "matmul", f32, func(s scope, x tensor) {
		s.ForwardModule(s.Module(func(s scope, x tensor) tensor { return s.Matmul(x, x) }), x)
	}},
}

// plainWrong are invalid arguments that involve no tensor's shape.
var plainWrong = []wrongUse{
	{of: "Scope.Zeros", name: "zeros", use: func(s scope, _ tensor) { s.Zeros(f32, autograd.CPU, -1) }},
	{of: "Scope.Dropout", name: "dropout", use: func(s scope, x tensor) { s.Dropout(x, 1.5) }},
	{of: "Scope.NormalizeImages", name: "normalize images", use: func(s scope, _ tensor) {
		s.NormalizeImages(nil, 1, 2, 3, [3]float64{}, [3]float64{}, autograd.CPU)
	}},
	{of: "Backbone.ForwardPixels", name: "fused backbone", use: func(s scope, _ tensor) {
		autograd.Backbone{}.ForwardPixels(s, autograd.Pixels{N: 1, Height: 2, Width: 3}, nil, nil, autograd.Training)
	}},
	{of: "Scope.FromGotch", name: "from gotch", use: func(s scope, _ tensor) { s.FromGotch(nil) }},
	{of: "Upload", name: "upload", use: func(s scope, _ tensor) { autograd.Upload(s, []float32{1}, autograd.CPU, 2) }},
	{of: "FromSlice", name: "from slice", use: func(s scope, _ tensor) { autograd.FromSlice(s, []float32{1}, 2) }},
	{of: "CopyFromSlice", name: "from slice", use: func(s scope, x tensor) { autograd.CopyFromSlice(s, x, []float32{1}) }},
	{of: "FoldedBackbone.ForwardPixels", name: "folded backbone", use: func(s scope, _ tensor) {
		autograd.NewFoldedBackbone(s, f32, nil, nil).ForwardPixels(s, autograd.Backbone{}, autograd.Pixels{N: 1, Height: 2, Width: 3})
	}},
	{of: "FoldedBackbone.LogitsPixels", name: "folded backbone", use: func(s scope, x tensor) {
		autograd.NewFoldedBackbone(s, f32, nil, nil).WithHead(x, nil).LogitsPixels(s, autograd.Backbone{}, autograd.Pixels{N: 1, Height: 2, Width: 3})
	}},
	{of: "SetThreads", name: "set threads", use: func(s scope, _ tensor) { autograd.SetThreads(s, 0) }},
	{of: "SetGrads", name: "set gradients", use: func(s scope, x tensor) { autograd.SetGrads(s, one(x), nil) }},
	{of: "Capture", name: "capture", use: func(s scope, _ tensor) {
		_, _, err := autograd.Capture(s, autograd.CPU, nil, func(scope) []tensor { return nil })
		s.Fail(err)
	}},
	{of: "GradientReducer.Begin", name: "gradient reducer: begin", use: func(s scope, _ tensor) {
		autograd.NewGradientReducer(s, alone(s), autograd.ReducerOptions{}).Begin(s, autograd.Contribution{Images: -1})
	}},
	{of: "GradientReducer.Finish", name: "gradient reducer: finish", use: func(s scope, _ tensor) {
		autograd.NewGradientReducer(s, alone(s), autograd.ReducerOptions{}).Finish(s)
	}},
	{of: "SetGeneratorState", name: "set generator state", use: func(s scope, _ tensor) { autograd.SetGeneratorState(s, autograd.CPU, []byte{1}) }},
}

// onDead are operations that fail only with a freed tensor.
var onDead = []wrongUse{
	{of: "Scope.Scale", name: "scale", use: func(s scope, x tensor) { s.Scale(x, 2) }},
	{of: "Scope.AddScalar", name: "add scalar", use: func(s scope, x tensor) { s.AddScalar(x, 2) }},
	{of: "Scope.Exp", name: "exp", use: func(s scope, x tensor) { s.Exp(x) }},
	{of: "Scope.Log", name: "log", use: func(s scope, x tensor) { s.Log(x) }},
	{of: "ClipFactor", name: "add scalar", use: func(s scope, x tensor) { autograd.ClipFactor(s, x, 1, 0) }},
	{of: "Scope.ReadLater", name: "read later", use: func(s scope, x tensor) { s.ReadLater(x) }},
	{of: "List.Times", name: "list times", use: func(s scope, x tensor) { one(x).Times(s, x) }},
	{of: "List.Roots", name: "list roots", use: func(s scope, x tensor) { one(x).Roots(s) }},
	{of: "Scope.UploadPixels", name: "to device", use: func(s scope, x tensor) {
		s.UploadPixels(autograd.Pixels{Uploaded: x}, autograd.CUDA(0))
	}},
	{of: "ProcessGroup.AllReduce", name: "all-reduce", use: func(s scope, x tensor) { (*autograd.ProcessGroup)(nil).AllReduce(s, x) }},
	{of: "ProcessGroup.Broadcast", name: "broadcast", use: func(s scope, x tensor) { (*autograd.ProcessGroup)(nil).Broadcast(s, one(x)) }},
	{of: "Scope.Sigmoid", name: "sigmoid", use: func(s scope, x tensor) { s.Sigmoid(x) }},
	{of: "Scope.Tanh", name: "tanh", use: func(s scope, x tensor) { s.Tanh(x) }},
	{of: "Scope.Square", name: "square", use: func(s scope, x tensor) { s.Square(x) }},
	{of: "Scope.Sum", name: "sum", use: func(s scope, x tensor) { s.Sum(x) }},
	{of: "Scope.To", name: "to", use: func(s scope, x tensor) { s.To(x, f64) }},
	{of: "Scope.Detach", name: "detach", use: func(s scope, x tensor) { s.Detach(x) }},
	{of: "Scope.Grad", name: "grad", use: func(s scope, x tensor) { s.Grad(x) }},
	{of: "Scope.Gotch", name: "gotch", use: func(s scope, x tensor) { s.Gotch(x) }},
	{of: "ToSlice", name: "to", use: func(s scope, x tensor) { autograd.ToSlice[float32](s, x) }},
	{of: "Scope.Versions", name: "versions", use: func(s scope, x tensor) { s.Versions(one(x)) }},
	{of: "ZeroGrads", name: "zero grads", use: func(s scope, x tensor) { autograd.ZeroGrads(s, one(x)) }},
	{of: "FitsUpdate", name: "fits update", use: func(s scope, x tensor) { autograd.FitsUpdate(s, one(x)) }},
	{of: "List.Zero", name: "list zero", use: func(s scope, x tensor) { one(x).Zero(s) }},
	{of: "List.AllFinite", name: "list all finite", use: func(s scope, x tensor) { one(x).AllFinite(s) }},
	{of: "List.ZerosLike", name: "zeros like", use: func(s scope, x tensor) { one(x).ZerosLike(s) }},
	{of: "NewGradientReducer", name: "gradient reducer", use: func(s scope, x tensor) {
		autograd.NewGradientReducer(s, alone(s), autograd.ReducerOptions{Parameters: one(x)})
	}},
	{of: "List.Clone", name: "list clone", use: func(s scope, x tensor) { one(x).Clone(s) }},
}

// noOperations are exported and take a scope, but cannot fail by themselves.
var noOperations = []string{"Scope.Sub", "Scope.NoGrad", "Scope.Autocast", "Scope.Keep", "Scope.Free", "Scope.Err", "Scope.Fail",
	"Scope.Context", "RemovableHandle.Remove", "NewFoldedBackbone", "NewFoldedConv", "Seed", "GeneratorState", "UseStream", "SetGPUMath", "CUDAGraph.Replay", "Scope.Defer"}

// TestEveryOperationHasAWrongUse finds the operations in the source code.
func TestEveryOperationHasAWrongUse(t *testing.T) {
	covered := slices.Clone(noOperations)
	for _, w := range slices.Concat(wrongUses, plainWrong, onDead) {
		covered = append(covered, w.of)
	}
	operations := exportedOperations(t)
	if len(operations) < 60 {
		t.Fatalf("found only %d operations in the source", len(operations))
	}
	for _, name := range operations {
		if !slices.Contains(covered, name) {
			t.Errorf("%s has no wrong use: add a row to the tables in wronguses_test.go", name)
		}
	}
	for _, name := range covered {
		if !slices.Contains(operations, name) {
			t.Errorf("%s is in the table but not in the source", name)
		}
	}
}

// exportedOperations returns the package's exported functions and methods with a scope as receiver
// or parameter.
func exportedOperations(t *testing.T) (names []string) {
	source := func(f fs.FileInfo) bool { return !strings.HasSuffix(f.Name(), "_test.go") }
	packages, err := parser.ParseDir(token.NewFileSet(), ".", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range packages["autograd"].Files {
		for _, d := range f.Decls {
			function, ok := d.(*ast.FuncDecl)
			if !ok || !function.Name.IsExported() {
				continue
			}
			name, takesScope := function.Name.Name, slices.ContainsFunc(function.Type.Params.List, isScope)
			if function.Recv != nil {
				receiver := function.Recv.List[0].Type
				if pointer, ok := receiver.(*ast.StarExpr); ok {
					receiver = pointer.X
				}
				of := receiver.(*ast.Ident)
				takesScope = takesScope || of.Name == "Scope"
				if !of.IsExported() {
					continue
				}
				name = of.Name + "." + name
			}
			if takesScope {
				names = append(names, name)
			}
		}
	}
	return names
}

func isScope(f *ast.Field) bool {
	pointer, ok := f.Type.(*ast.StarExpr)
	if !ok {
		return false
	}
	name, ok := pointer.X.(*ast.Ident)
	return ok && name.Name == "Scope"
}

// provoked checks the error of a wrong use: it must name the operation and the shape.
func (w wrongUse) provoked(err error, want string) error {
	switch {
	case err == nil:
		return errors.New("the error was lost")
	case !strings.Contains(err.Error(), "autograd: "+w.name) || !strings.Contains(err.Error(), want):
		return errors.Join(errors.New("the error names another operation or shape, want "+w.name+" and "+want), err)
	}
	return nil
}

// TestWrongUses: each error names the operation and its inputs.
func TestWrongUses(t *testing.T) {
	for _, w := range slices.Concat(wrongUses, plainWrong, onDead) {
		t.Run(w.of, func(t *testing.T) {
			autogradtest.Run(t, func(s *autograd.Scope) {
				if err := provokeOne(s, w, 5, 11); err != nil {
					t.Error(err)
				}
			})
		})
	}
}
