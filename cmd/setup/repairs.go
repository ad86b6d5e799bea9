package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// gotchModule and gotchVersion are the module that setup adapts; go.sum pins its content.
const (
	gotchModule  = "github.com/sugarme/gotch"
	gotchVersion = "v0.9.1"
)

// repair is a search and replace in the copy of gotch.
type repair struct {
	Defect  string // in the original
	File    string // path.Match pattern inside the module
	Old     string // regular expression with the flag (?m)
	New     string // replacement, as in regexp.Expand
	AtLeast int    // number of matches; fewer mean that gotch is not the expected version
}

// repairs are applied in order. What depends on the libtorch, its functions and its folder, is in
// stubs.go and goLinks.
var repairs = []repair{
	{
		Defect: "the thread-local error is defined in a header, once in every file that includes it",
		File:   "libtch/torch_api.h", AtLeast: 1,
		Old: `^thread_local char \*torch_last_err = nullptr;$`,
		New: "extern thread_local char *torch_last_err;\nvoid torch_set_last_err(const char *message);",
	},
	{
		Defect: "the thread-local error is defined nowhere else",
		File:   "libtch/torch_api.cpp", AtLeast: 1,
		Old: `^char \*get_and_reset_last_err\(\) \{$`,
		New: "thread_local char *torch_last_err = nullptr;\n\n" +
			"void torch_set_last_err(const char *message) {\n" +
			"  free(torch_last_err);\n" +
			"  torch_last_err = strdup(message);\n" +
			"}\n\n$0",
	},
	{
		Defect: "only std::exception is caught, and other exceptions terminate the Go process; " +
			"an error that is not fetched leaks; errors of libtorch contain forty lines of C++ backtrace",
		File: "libtch/torch_api.h", AtLeast: 1,
		Old: `^  \} catch \(const exception &e\) \{\s*\\\n\s*torch_last_err = strdup\(e\.what\(\)\);\s*\\\n\s*\}$`,
		New: "  } catch (const c10::Error &e) { \\\n" +
			"    torch_set_last_err(e.what_without_backtrace()); \\\n" +
			"  } catch (const std::exception &e) { \\\n" +
			"    torch_set_last_err(e.what()); \\\n" +
			"  } catch (...) { \\\n" +
			"    torch_set_last_err(\"a C++ exception that is no std::exception\"); \\\n" +
			"  }",
	},
	{
		Defect: "results are written to malloc(0), which has no room for them and is never freed: every operation leaks",
		File:   "ts/*.go", AtLeast: 2200,
		Old: `\bptr := \(\*lib\.Ctensor\)\(unsafe\.Pointer\(C\.malloc\(0\)\)\)`,
		New: `ptr := new(lib.Ctensor)`,
	},
	{
		Defect: "as above, for up to seven adjacent results",
		File:   "ts/*.go", AtLeast: 229,
		Old: `\b(ctensorPtr[01]) := \(\*lib\.Ctensor\)\(unsafe\.Pointer\(C\.malloc\(0\)\)\)`,
		New: `$1 := &new([8]lib.Ctensor)[0]`,
	},
	{
		Defect: "as above, for the gradients of several inputs, which libtorch reads and writes as arrays",
		File:   "ts/tensor.go", AtLeast: 1,
		Old: `(?s)^\tfor i := 0; i < len\(inputs\); i\+\+ \{\n\t\toutputPtr := \(\*lib\.Ctensor\)\(unsafe\.Pointer\(C\.malloc\(0\)\)\).*?\tinputsPtr := [^\n]*\n`,
		New: `	outputs, ctensors, cinputs := make([]lib.Ctensor, len(inputs)), make([]lib.Ctensor, len(tensors)), make([]lib.Ctensor, len(inputs))
	for i, t := range tensors {
		ctensors[i] = t.ctensor
	}
	for i, t := range inputs {
		cinputs[i] = t.ctensor
		outputsPtr = append(outputsPtr, &outputs[i])
	}
	tensorsPtr, inputsPtr := &ctensors[0], &cinputs[0]
`,
	},
	{
		Defect: "as above, for the elements of a list or tuple",
		File:   "ts/jit.go", AtLeast: 4,
		Old: `\(\*lib\.(Ctensor|Civalue)\)\(unsafe\.Pointer\(C\.malloc\(0\)\)\)(\n\t\tlib\.Ati\w+\(cval\.civalue, ptr1, int\((\w+)\)\))`,
		New: `unsafe.SliceData(make([]lib.$1, 2*int($3)+1))$2`,
	},
	{
		Defect: "as above, for the integers of a list",
		File:   "ts/jit.go", AtLeast: 3,
		Old: `unsafe\.Pointer\(C\.malloc\(0\)\)(\n\t\tlib\.Ati\w+\(cval\.civalue, ptr1, int\((\w+)\)\))`,
		New: `unsafe.Pointer(unsafe.SliceData(make([]int64, int($2)+1)))$1`,
	},
	{
		Defect: "as above, for an optimizer's learning rates; and eight bytes of a four-byte count are read",
		File:   "libtch/tensor.go", AtLeast: 1,
		Old: `\(\*C\.double\)\(unsafe\.Pointer\(C\.malloc\(0\)\)\)\n\tcngroup := \(\*C\.int\)\(unsafe\.Pointer\(C\.malloc\(0\)\)\)`,
		New: "(*C.double)(unsafe.Pointer(new([1001]float64)))\n\tcngroup := (*C.int)(unsafe.Pointer(new(int64)))",
	},
	{
		Defect: "every tensor allocates 100 KB to trigger the garbage collector",
		File:   "ts/tensor.go", AtLeast: 1,
		Old: `^\tx\.d = new\(bigStruct\)\n`,
		New: ``,
	},
	{
		Defect: "importing gotch creates a folder in the home folder, and exits if that fails",
		File:   "init.go", AtLeast: 1,
		Old: `(?s)\n\tif _, err := os\.Stat\(CachedDir\); os\.IsNotExist\(err\) \{.*?\n\t\}\n`,
		New: ``,
	},
	{
		Defect: "as above: the import that is then unused",
		File:   "init.go", AtLeast: 1,
		Old: `^\t"log"\n`,
		New: ``,
	},
}

// applyRepairs applies the table to a copy of gotch.
func applyRepairs(dir string, table []repair) error {
	for _, r := range table {
		pattern, err := regexp.Compile("(?m)" + r.Old)
		if err != nil {
			return fmt.Errorf("repair %q: %w", r.Defect, err)
		}
		files, err := filepath.Glob(filepath.Join(dir, r.File))
		if err != nil {
			return err
		}
		found := 0
		for _, name := range files {
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			n := len(pattern.FindAllIndex(text, -1))
			if n == 0 {
				continue
			}
			found += n
			if err := os.WriteFile(name, pattern.ReplaceAll(text, []byte(r.New)), 0o644); err != nil {
				return err
			}
		}
		if found < r.AtLeast {
			return fmt.Errorf("gotch %s is not as expected: %s has %d of at least %d matches of a repair (%s)",
				gotchVersion, r.File, found, r.AtLeast, r.Defect)
		}
	}
	return nil
}

// repairsID is a hash of the table.
func repairsID() string {
	var b strings.Builder
	for _, r := range repairs {
		fmt.Fprintf(&b, "%q %q %q\n", r.File, r.Old, r.New)
	}
	return key(b.String())
}
