package native

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/cpu"
)

// isaVariants are the ISA variants that the kernels are compiled for, and whether this processor
// supports them. AMX is emulated (isa/amx_emulator.h) by handling the signal of each tile
// instruction; the rest of the amx variant needs AVX-512. TestKernelsOnTiles runs it without
// emulation.
var isaVariants = map[string]bool{
	"amx":        cpu.X86.HasAVX512 && cpu.X86.HasAVX512BF16 && runtime.GOOS == "linux",
	"avx512bf16": cpu.X86.HasAVX512 && cpu.X86.HasAVX512BF16,
	"avx512":     cpu.X86.HasAVX512,
	"avx2":       cpu.X86.HasAVX2 && cpu.X86.HasFMA,
	"portable":   true,
}

// sanitized variants run under the address and undefined-behavior sanitizers, which take ten times
// as long: the widest one, whose intrinsics access memory, the one without intrinsics, and the
// tiles. The compiler does not know what memory tiles access, so they are emulated even where the
// processor has them: emulated, they read and write in C++ that the sanitizers see.
var sanitized = map[string]bool{"amx": true, "avx512bf16": true, "portable": true}

// sanitizers are the flags of the address and undefined-behavior sanitizers, with the line numbers that their reports show.
// With -g instead of -g1, GCC takes 1.4 times as long.
var sanitizers = []string{"-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"}

var flagsLine = regexp.MustCompile(`(?m)^// compile for amd64 with: (.+)$`)

// TestKernels compiles each */*_test.cc, which compares kernels with plain loops in double, for
// each ISA variant and runs it.
func TestKernels(t *testing.T) {
	programs, err := filepath.Glob("*/*_test.cc")
	if err != nil || len(programs) == 0 {
		t.Fatalf("found no kernel tests: %v", err)
	}
	for isa, here := range isaVariants {
		for _, program := range programs {
			if !testedWith(program, isa) {
				continue
			}
			t.Run(isa+"/"+strings.TrimSuffix(program, "_test.cc"), func(t *testing.T) {
				if !here {
					t.Skipf("this processor does not support %s", isa)
				}
				t.Parallel()
				flags := []string{"-O1"}
				if sanitized[isa] {
					flags = append(flags, sanitizers...)
				}
				if isa == "amx" {
					flags = append(flags, "-DAMX_EMULATED")
				}
				runKernels(t, program, isa, flags...)
			})
		}
	}
}

// TestKernelsOnTiles runs the tests of the amx variant on the processor's own tiles, as optimized
// as in the library.
func TestKernelsOnTiles(t *testing.T) {
	if !cpu.X86.HasAMXBF16 || runtime.GOOS != "linux" {
		t.Skip("this processor has no AMX; TestKernels emulates it")
	}
	programs, err := filepath.Glob("*/*_test.cc")
	if err != nil || len(programs) == 0 {
		t.Fatalf("found no kernel tests: %v", err)
	}
	for _, program := range programs {
		if testedWith(program, "amx") {
			t.Run(strings.TrimSuffix(program, "_test.cc"), func(t *testing.T) {
				t.Parallel()
				runKernels(t, program, "amx", "-O3")
			})
		}
	}
}

// TestPool runs the test of the threads, under the sanitizers too, and with threads that pause at
// random places.
func TestPool(t *testing.T) {
	for name, flags := range map[string][]string{
		"optimized":         {"-O3"},
		"races":             {"-O1", "-g1", "-fsanitize=thread"},
		"races with delays": {"-O1", "-g1", "-fsanitize=thread", "-DDEPTHWISE_POOL_DELAYS"},
		"addresses":         append([]string{"-O1"}, sanitizers...),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runKernels(t, poolTest, "portable", flags...)
		})
	}
}

// TestEmulatedKernels runs the tests of a GPU's kernels on the CPU (cuda/emulate.h), under the
// sanitizers too.
func TestEmulatedKernels(t *testing.T) {
	programs, err := filepath.Glob("cuda/*_test.cc")
	if err != nil || len(programs) == 0 {
		t.Fatalf("found no tests: %v", err)
	}
	for _, program := range programs {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			runKernels(t, program, "portable", append([]string{"-O1", "-ffp-contract=off"}, sanitizers...)...)
		})
	}
}

// TestKernelsWithDelays runs the kernels' tests, which compare the bits of two runs, with threads
// that pause at random places: other threads then compute their parts.
func TestKernelsWithDelays(t *testing.T) {
	isa := "avx2"
	if !isaVariants[isa] {
		isa = "portable"
	}
	for _, program := range []string{"depthwise/depthwise_test.cc", "pointwise/pointwise_test.cc"} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			runKernels(t, program, isa, "-O1", "-DDEPTHWISE_POOL_DELAYS")
		})
	}
}

// The threads of the kernels, a part of each program, and their own test.
const pool, poolTest = "threads/pool.cc", "threads/pool_test.cc"

// testedWith leaves out the tests of tiles for variants without them, of bands for all variants but
// one, of threads and of a GPU for all, and for amx the programs without matrix products: they are the same as with avx512bf16.
func testedWith(program, isa string) bool {
	if program == "inference/bands_test.cc" {
		return isa == "portable" // it has no kernels
	}
	if program == poolTest || strings.HasPrefix(program, "cuda/") {
		return false // TestPool, TestEmulatedKernels
	}
	if isa != "amx" {
		return program != "gemm/amx_test.cc"
	}
	return program != "depthwise/depthwise_test.cc" && program != "update/kernels_test.cc"
}

func runKernels(t *testing.T, program, isa string, flags ...string) {
	source, err := os.ReadFile(filepath.Join("isa", isa+".cc"))
	if err != nil {
		t.Fatal(err)
	}
	compiler := os.Getenv("CXX")
	if compiler == "" {
		compiler = "g++"
	}
	binary := filepath.Join(t.TempDir(), "kernels")
	args := append([]string{"-std=c++20", "-pthread", "-fopenmp-simd", "-I.", "-DFUSED_ISA=" + isa, pool}, flags...)
	if isa == "amx" {
		args = append(args, "-include", "isa/amx_emulator.h")
	}
	if isGCC(compiler) {
		args = append(args, "-fira-region=one") // half the time to compile what sanitizers make long: 21 s instead of 31
	}
	if m := flagsLine.FindSubmatch(source); m != nil {
		args = append(args, strings.Fields(string(m[1]))...)
	}
	if out, err := exec.Command(compiler, append(args, program, "-o", binary)...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", program, err, out)
	}
	run := exec.Command(binary)
	run.Env = append(os.Environ(), "ASAN_OPTIONS=detect_leaks=0") // the pool keeps its threads
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%s, %s: %v\n%s", program, isa, err, out)
	}
}

// isGCC reports whether a compiler has GCC's options for register allocation.
func isGCC(compiler string) bool {
	out, err := exec.Command(compiler, "--version").Output()
	return err == nil && strings.Contains(string(out), "Free Software Foundation")
}
