package oracle

import "fmt"

// BatchNorm holds the nodes, all (C), and hyperparameters of a batch normalization
// (https://arxiv.org/abs/1502.03167).
type BatchNorm struct {
	Weight, Bias *Node
	Mean, Var    *Node   // running statistics
	Momentum     float64 // PyTorch's convention: running = (1 - momentum) * running + momentum * batch
	Eps          float64
}

// Train normalizes x (N, C, H, W) by the batch's statistics and also returns the updated running
// statistics.
func (bn BatchNorm) Train(g *Graph, x *Node) (y, mean, variance *Node) {
	if !g.expect("batch norm", x, 4) {
		return nil, nil, nil
	}
	s := x.Shape()
	count := float64(s[0] * s[2] * s[3])
	if count < 2 {
		g.Fail(fmt.Errorf("oracle: batch norm: images %v have one value per channel, which has no variance", s))
		return nil, nil, nil
	}
	batchMean := g.Affine(g.ChannelSums(x), 1/count, 0)
	centered := g.Sub(x, g.Spread(batchMean, s[0], s[2], s[3]))
	batchVar := g.Affine(g.ChannelSums(g.Square(centered)), 1/count, 0)
	y = bn.scale(g, centered, batchVar)
	unbiased := g.Affine(batchVar, count/(count-1), 0)
	return y, bn.update(g, bn.Mean, batchMean), bn.update(g, bn.Var, unbiased)
}

// Evaluate normalizes x by the running statistics.
func (bn BatchNorm) Evaluate(g *Graph, x *Node) *Node {
	if !g.expect("batch norm", x, 4) {
		return nil
	}
	s := x.Shape()
	return bn.scale(g, g.Sub(x, g.Spread(bn.Mean, s[0], s[2], s[3])), bn.Var)
}

// scale is weight * centered / sqrt(variance + eps) + bias.
func (bn BatchNorm) scale(g *Graph, centered, variance *Node) *Node {
	if g.err != nil {
		return nil
	}
	s := centered.Shape()
	factor := g.Div(bn.Weight, g.Sqrt(g.Affine(variance, 1, bn.Eps)))
	scaled := g.Mul(centered, g.Spread(factor, s[0], s[2], s[3]))
	return g.Add(scaled, g.Spread(bn.Bias, s[0], s[2], s[3]))
}

func (bn BatchNorm) update(g *Graph, running, batch *Node) *Node {
	return g.Add(g.Affine(running, 1-bn.Momentum, 0), g.Affine(batch, bn.Momentum, 0))
}

// GlobalAvgPool averages x (N, C, H, W) over its positions to (N, C).
func (g *Graph) GlobalAvgPool(x *Node) *Node {
	if !g.expect("global average pool", x, 4) {
		return nil
	}
	s := x.Shape()
	positions := s[2] * s[3]
	sums := g.RowSums(g.Reshape(x, s[0]*s[1], positions))
	return g.Affine(g.Reshape(sums, s[0], s[1]), 1/float64(positions), 0)
}

// Linear is x (N, I) times the transpose of w (O, I) plus b (O), which may be nil.
func (g *Graph) Linear(x, w, b *Node) *Node {
	y := g.Matmul(x, g.Transpose(w))
	if b == nil || y == nil {
		return y
	}
	return g.Add(y, g.Rows(b, y.Shape()[0]))
}

// CrossEntropy is the loss -sum(target * log softmax(logits)), the mean over the batch, (1, 1). The
// targets (N, classes) become (1-smoothing) * target + smoothing / classes. Logits beyond 700
// overflow.
func (g *Graph) CrossEntropy(logits *Node, targets Array, smoothing float64) *Node {
	if !g.expect("cross entropy", logits, 2) {
		return nil
	}
	rows, classes := logits.Shape()[0], logits.Shape()[1]
	target := g.Affine(g.Constant(targets), 1-smoothing, smoothing/float64(classes))
	terms := g.Mul(target, g.LogSoftmax(logits))
	return g.Affine(g.Sum(terms), -1/float64(rows), 0)
}

// LogSoftmax is x - log(sum(exp(x))) along each row of a matrix.
func (g *Graph) LogSoftmax(x *Node) *Node {
	if !g.expect("log softmax", x, 2) {
		return nil
	}
	logSum := g.Log(g.RowSums(g.Exp(x)))
	return g.Sub(x, g.Matmul(logSum, g.full(1, 1, x.Shape()[1])))
}

// OneHot returns the targets (N, classes) of labels.
func OneHot(labels []int64, classes int) Array {
	a := Full(0, int64(len(labels)), int64(classes))
	for i, l := range labels {
		a.Data[i*classes+int(l)] = 1
	}
	return a
}
