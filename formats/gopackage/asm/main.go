// Command asm writes the assembly of package classifier. It is a module of its own, so that the main module does not
// depend on avo:
//
//	cd formats/gopackage/asm && GOWORK=off go run . -out ../classifier/asm_amd64.s -stubs ../classifier/asm_amd64.go -pkg classifier
package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"
)

// isa is what the kernels of an instruction set differ in.
type isa struct {
	name    string
	lanes   int // float32 values of a register
	heights []int
	vector  func() reg.VecVirtual
}

// Heights divide the positions of usual layers: 14 those of inputs of 224 pixels. 6x16 sums, a row of a panel and a value of
// the left side fill the 16 registers of AVX2, 14x32 the 32 registers of AVX-512.
var isas = []isa{
	{"AVX2", 8, []int{6, 4, 2, 1}, YMM},
	{"AVX512", 16, []int{14, 7, 4, 2, 1}, ZMM},
}

func main() {
	cpuid()
	for _, i := range isas {
		for _, vectors := range []int{2, 1} {
			for _, height := range i.heights {
				i.product(height, vectors)
			}
		}
		i.depthwise()
		i.depthwise3()
	}
	Generate()
}

// cpuid writes the functions that detect the processor.
func cpuid() {
	TEXT("cpuid", NOSPLIT, "func(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)")
	Doc("cpuid executes the instruction of this name.")
	Load(Param("leaf"), reg.EAX)
	Load(Param("subleaf"), reg.ECX)
	CPUID()
	Store(reg.EAX, Return("eax"))
	Store(reg.EBX, Return("ebx"))
	Store(reg.ECX, Return("ecx"))
	Store(reg.EDX, Return("edx"))
	RET()

	TEXT("xgetbv", NOSPLIT, "func() (eax uint32)")
	Doc("xgetbv returns which registers the operating system saves: the low half of XCR0.")
	XORL(reg.ECX, reg.ECX)
	XGETBV()
	Store(reg.EAX, Return("eax"))
	RET()
}
