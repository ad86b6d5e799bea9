package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// depthwise writes the kernel of any window, for some registers of channels: positions one after another, taps in the
// order of rows.
func (i isa) depthwise() {
	TEXT("depthwise"+i.name, NOSPLIT,
		"func(dst, src, weight, bias *float32, blocks, count, rows, columns, channels, step, row, line uint64, low, high float32)")
	Doc(fmt.Sprintf("depthwise%s computes windows of rows x columns taps, for blocks of %d channels. Distances in bytes: channels, of taps", i.name, i.lanes),
		"and of results; step, of windows; row, of their rows; line, of the rows of weights.")
	low, high := i.limits()
	blocks := Load(Param("blocks"), GP64())

	Label("block")
	bias := Load(Param("bias"), GP64())
	start := i.vector()
	VMOVUPS(Mem{Base: bias}, start)
	dst, src, count := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("count"), GP64())
	channels := Load(Param("channels"), GP64())

	Label("position")
	sum := i.vector()
	VMOVAPS(start, sum)
	s, w, rows := GP64(), Load(Param("weight"), GP64()), Load(Param("rows"), GP64())
	MOVQ(src, s)

	Label("row")
	x, y, columns := GP64(), GP64(), Load(Param("columns"), GP64())
	MOVQ(s, x)
	MOVQ(w, y)

	Label("tap")
	value := i.vector()
	VMOVUPS(Mem{Base: x}, value)
	VFMADD231PS(Mem{Base: y}, value, sum)
	ADDQ(channels, x)
	ADDQ(channels, y)
	DECQ(columns)
	JNZ(LabelRef("tap"))

	ADDQ(parameter("row"), s)
	ADDQ(parameter("line"), w)
	DECQ(rows)
	JNZ(LabelRef("row"))

	i.clamp(sum, low, high)
	VMOVUPS(sum, Mem{Base: dst})
	ADDQ(channels, dst)
	ADDQ(parameter("step"), src)
	DECQ(count)
	JNZ(LabelRef("position"))

	i.nextBlock("dst", "src", "weight", "bias")
	DECQ(blocks)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}

// depthwise3 writes the kernel of whole 3x3 windows, whose weights stay in registers. AVX2 has registers for nine weights,
// bias, limits, sum and value.
func (i isa) depthwise3() {
	TEXT("depthwise3"+i.name, NOSPLIT,
		"func(dst, src, weight, bias *float32, blocks, count, channels, step, row uint64, low, high float32)")
	Doc(fmt.Sprintf("depthwise3%s computes windows of 3x3 taps, for blocks of %d channels. Distances are those of depthwise%s.", i.name, i.lanes, i.name))
	low, high := i.limits()
	blocks, channels := Load(Param("blocks"), GP64()), Load(Param("channels"), GP64())
	row, step := Load(Param("row"), GP64()), Load(Param("step"), GP64())

	Label("block")
	weight, bias := Load(Param("weight"), GP64()), Load(Param("bias"), GP64())
	start := i.vector()
	VMOVUPS(Mem{Base: bias}, start)
	var weights []reg.VecVirtual
	for range 9 {
		w := i.vector()
		VMOVUPS(Mem{Base: weight}, w)
		ADDQ(channels, weight)
		weights = append(weights, w)
	}
	dst, src, count := Load(Param("dst"), GP64()), Load(Param("src"), GP64()), Load(Param("count"), GP64())
	s1, s2 := GP64(), GP64()
	LEAQ(Mem{Base: src, Index: row, Scale: 1}, s1)
	LEAQ(Mem{Base: src, Index: row, Scale: 2}, s2)

	Label("position")
	sum := i.vector()
	VMOVAPS(start, sum)
	for t, w := range weights {
		base := []reg.GPVirtual{src.(reg.GPVirtual), s1, s2}[t/3]
		m := Mem{Base: base}
		if t%3 > 0 {
			m.Index, m.Scale = channels, uint8(t%3)
		}
		VFMADD231PS(m, w, sum)
	}
	i.clamp(sum, low, high)
	VMOVUPS(sum, Mem{Base: dst})
	ADDQ(channels, dst)
	ADDQ(step, src)
	ADDQ(step, s1)
	ADDQ(step, s2)
	DECQ(count)
	JNZ(LabelRef("position"))

	i.nextBlock("dst", "src", "weight", "bias")
	DECQ(blocks)
	JNZ(LabelRef("block"))
	VZEROUPPER()
	RET()
}

// nextBlock moves pointers, which are parameters, to the next channels.
func (i isa) nextBlock(names ...string) {
	for _, name := range names {
		ADDQ(U32(4*i.lanes), parameter(name))
	}
}
