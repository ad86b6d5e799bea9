package oracle

// FocalLoss holds what changes cross entropy to the weighted focal loss (https://arxiv.org/abs/1708.02002).
type FocalLoss struct {
	Smoothing float64
	Weights   []float64 // of each class
	Gamma     float64
	Total     float64 // what the sum over the rows is divided by
}

// Loss is -sum(weight * target * (1-p)^gamma * log p) / Total, (1, 1), of logits and targets (N, classes). No p may be 1.
func (l FocalLoss) Loss(g *Graph, logits *Node, targets Array) *Node {
	if !g.expect("focal loss", logits, 2) {
		return nil
	}
	rows, classes := logits.Shape()[0], logits.Shape()[1]
	weighted := Full(0, targets.Shape...)
	for i, v := range targets.Data {
		weighted.Data[i] = ((1-l.Smoothing)*v + l.Smoothing/float64(classes)) * l.Weights[i%classes]
	}
	logP := g.LogSoftmax(logits)
	rest := g.Sub(g.full(1, rows, classes), g.Exp(logP))
	power := g.Exp(g.Affine(g.Log(rest), l.Gamma, 0))
	return g.Affine(g.Sum(g.Mul(g.Constant(weighted), g.Mul(power, logP))), -1/l.Total, 0)
}
