package distributed_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"depthwise.dev/autograd"
	"depthwise.dev/distributed"
	"depthwise.dev/distributed/distributedtest"
)

// TestCollectives checks host values and tensors, of several types and layouts, over 1 to 4 ranks.
func TestCollectives(t *testing.T) {
	for _, ranks := range []int{1, 2, 3, 4} {
		t.Run(fmt.Sprint(ranks, " ranks"), func(t *testing.T) {
			distributedtest.Run(t, ranks, func(s *autograd.Scope, g *distributed.Group) error {
				return errors.Join(checkSum(g), checkBroadcast(g), checkGather(g), checkAllReduce(s, g), checkBroadcastTensors(s, g))
			})
		})
	}
}

// total is 1 + ... + n.
func total(n int) float64 { return float64(n*(n+1)) / 2 }

func checkSum(g *distributed.Group) error {
	values := []float64{float64(g.Rank() + 1), 0.1, math.Inf(1), -math.MaxFloat64 / 8}
	if err := g.Sum(values); err != nil {
		return err
	}
	if want := total(g.Size()); values[0] != want || !math.IsInf(values[2], 1) {
		return fmt.Errorf("sum is %v, want %v first", values, want)
	}
	all, err := g.Gather(fmt.Appendf(nil, "%x", math.Float64bits(values[1])))
	if err != nil {
		return err
	}
	for _, b := range all {
		if !bytes.Equal(b, all[0]) {
			return fmt.Errorf("the bits of a sum differ between ranks: %s", all)
		}
	}
	return g.Sum(nil)
}

func checkBroadcast(g *distributed.Group) error {
	for _, want := range [][]byte{[]byte("configuration"), nil, bytes.Repeat([]byte{1, 2, 255}, 3<<20)} {
		given := []byte("of another rank")
		if g.First() {
			given = want
		}
		got, err := g.Broadcast(given)
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want) {
			return fmt.Errorf("broadcast of %d bytes returned %d other ones", len(want), len(got))
		}
	}
	return nil
}

func checkGather(g *distributed.Group) error {
	for _, f := range []func(rank int) []byte{
		func(rank int) []byte { return fmt.Appendf(nil, "rank %d", rank) },
		func(rank int) []byte { return bytes.Repeat([]byte{byte(rank)}, rank*1000) },
		func(rank int) []byte { return nil },
	} {
		all, err := g.Gather(f(g.Rank()))
		if err != nil {
			return err
		}
		for r := range g.Size() {
			if !bytes.Equal(all[r], f(r)) {
				return fmt.Errorf("gathered %q of rank %d, want %q", all[r], r, f(r))
			}
		}
	}
	return nil
}

func checkAllReduce(s *autograd.Scope, g *distributed.Group) error {
	for _, dtype := range []autograd.DType{autograd.Float32, autograd.Float64, autograd.BFloat16, autograd.Int64} {
		x := autograd.FromSlice(s, []float64{float64(g.Rank() + 1), 2, 3, 4, 5, 6}, 1, 3, 1, 2)
		x = s.ChannelsLast(s.To(x, dtype)) // not contiguous
		g.Process().AllReduce(s, x)
		n := float64(g.Size())
		want := []float64{total(g.Size()), 2 * n, 3 * n, 4 * n, 5 * n, 6 * n}
		if got := autograd.ToSlice[float64](s, s.To(x, autograd.Float64)); s.Err() == nil && !slices.Equal(got, want) {
			return fmt.Errorf("all-reduce of %v is %v, want %v", dtype, got, want)
		}
	}
	return errors.Join(s.Err(), checkLargeAllReduce(s, g))
}

// checkLargeAllReduce adds up a tensor that is too large to be gathered.
func checkLargeAllReduce(s *autograd.Scope, g *distributed.Group) error {
	x := autograd.FromSlice(s, slices.Repeat([]float32{float32(g.Rank() + 1)}, 1<<17), 1<<17)
	g.Process().AllReduce(s, x)
	for i, got := range autograd.ToSlice[float32](s, x) {
		if float64(got) != total(g.Size()) {
			return fmt.Errorf("value %d of a large all-reduce is %v, want %v", i, got, total(g.Size()))
		}
	}
	return s.Err()
}

func checkBroadcastTensors(s *autograd.Scope, g *distributed.Group) error {
	r := float32(g.Rank())
	list := autograd.List{
		autograd.FromSlice(s, []float32{1 + r, 2 + r}, 2),
		s.ChannelsLast(autograd.FromSlice(s, []float32{1 + r, 2, 3, 4 + r}, 1, 2, 1, 2)),
		autograd.FromSlice(s, []float32{}, 0),
	}
	g.Process().Broadcast(s, list)
	for i, want := range [][]float32{{1, 2}, {1, 2, 3, 4}, {}} {
		if got := autograd.ToSlice[float32](s, list[i]); s.Err() == nil && !slices.Equal(got, want) {
			return fmt.Errorf("broadcast is %v, want %v", got, want)
		}
	}
	return s.Err()
}

// TestNilGroup checks that a process on its own can use a group.
func TestNilGroup(t *testing.T) {
	var g *distributed.Group
	values := []float64{3}
	if err := g.Sum(values); err != nil || values[0] != 3 {
		t.Errorf("sum is %v, %v", values, err)
	}
	if b, err := g.Broadcast([]byte("x")); err != nil || string(b) != "x" {
		t.Errorf("broadcast is %q, %v", b, err)
	}
	if all, err := g.Gather([]byte("x")); err != nil || len(all) != 1 || string(all[0]) != "x" {
		t.Errorf("gathered %q, %v", all, err)
	}
	if g.Rank() != 0 || g.Size() != 1 || !g.First() || g.Process() != nil || g.Err() != nil {
		t.Error("a nil group is not rank 0 of 1")
	}
	g.Fail(errors.New("x"))
	if err := g.Close(); err != nil {
		t.Error(err)
	}
}
