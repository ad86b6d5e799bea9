package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// product writes the kernel of height rows by a panel of so many registers. The sums stay in registers; each step adds the
// products of a column of the rows, value by value, with a row of the panel.
func (i isa) product(height, vectors int) {
	TEXT(fmt.Sprintf("product%s_%dx%d", i.name, height, vectors*i.lanes), NOSPLIT,
		"func(a *float32, lda uint64, panel *float32, depth uint64, bias, dst *float32, ldc uint64, low, high float32)")
	Doc(fmt.Sprintf("product%s_%dx%d multiplies %d rows, lda bytes apart, by a panel of %d columns.", i.name, height, vectors*i.lanes, height, vectors*i.lanes))
	a, lda := Load(Param("a"), GP64()), Load(Param("lda"), GP64())
	panel, depth := Load(Param("panel"), GP64()), Load(Param("depth"), GP64())
	bias := Load(Param("bias"), GP64())

	Comment("Sums begin with the bias.")
	sums := make([][]reg.VecVirtual, height)
	for r := range sums {
		for v := range vectors {
			s := i.vector()
			if r == 0 {
				VMOVUPS(Mem{Base: bias, Disp: v * 4 * i.lanes}, s)
			} else {
				VMOVAPS(sums[0][v], s)
			}
			sums[r] = append(sums[r], s)
		}
	}

	Comment("A pointer for each four rows.")
	var bases []reg.GPVirtual
	var lda3 reg.GPVirtual
	if height > 3 {
		lda3 = GP64()
		LEAQ(Mem{Base: lda, Index: lda, Scale: 2}, lda3)
	}
	for r := 0; r < height; r += 4 {
		base := GP64()
		if r == 0 {
			MOVQ(a, base)
		} else {
			LEAQ(Mem{Base: bases[len(bases)-1], Index: lda, Scale: 4}, base)
		}
		bases = append(bases, base)
	}
	row := func(r, disp int) Mem {
		m := Mem{Base: bases[r/4], Disp: disp}
		switch r % 4 {
		case 1:
			m.Index, m.Scale = lda, 1
		case 2:
			m.Index, m.Scale = lda, 2
		case 3:
			m.Index, m.Scale = lda3, 1
		}
		return m
	}

	step := func(k int) {
		b := make([]reg.VecVirtual, vectors)
		for v := range b {
			b[v] = i.vector()
			VMOVUPS(Mem{Base: panel, Disp: (k*vectors + v) * 4 * i.lanes}, b[v])
		}
		for r := range height {
			x := i.vector()
			VBROADCASTSS(row(r, 4*k), x)
			for v := range b {
				VFMADD231PS(x, b[v], sums[r][v])
			}
		}
	}
	loop := func(name string, steps int) {
		Label(name)
		CMPQ(depth, Imm(uint64(steps)))
		JL(LabelRef(name + "_end"))
		for k := range steps {
			step(k)
		}
		for _, base := range bases {
			ADDQ(U32(4*steps), base)
		}
		ADDQ(U32(4*i.lanes*vectors*steps), panel)
		SUBQ(U32(steps), depth)
		JMP(LabelRef(name))
		Label(name + "_end")
	}
	loop("four", 4)
	loop("one", 1)

	low, high := i.limits()
	dst, ldc := Load(Param("dst"), GP64()), Load(Param("ldc"), GP64())
	for r := range height {
		for v := range vectors {
			i.clamp(sums[r][v], low, high)
			VMOVUPS(sums[r][v], Mem{Base: dst, Disp: v * 4 * i.lanes})
		}
		if r+1 < height {
			ADDQ(ldc, dst)
		}
	}
	VZEROUPPER()
	RET()
}

// limits loads the limits of the activation function.
func (i isa) limits() (low, high reg.VecVirtual) {
	low, high = i.vector(), i.vector()
	VBROADCASTSS(parameter("low"), low)
	VBROADCASTSS(parameter("high"), high)
	return low, high
}

// clamp limits a value. The order of operands lets NaN pass: the instructions return the second source, in Go's order the
// first, if either is NaN.
func (i isa) clamp(value, low, high reg.VecVirtual) {
	VMAXPS(value, low, value)
	VMINPS(value, high, value)
}

// parameter is the place of a parameter on the stack.
func parameter(name string) Mem {
	address, err := Param(name).Resolve()
	if err != nil {
		panic(err) // a slip in this program
	}
	return address.Addr
}
