//go:build interop

package interop

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"depthwise.dev/internal/testset"
)

// TestGPUCheck packs a bundle of this machine's build and goes through every line of scripts/gpu_check.sh on the CPU: no row fails,
// none is left out, and what only a GPU has is named as not available.
func TestGPUCheck(t *testing.T) {
	python, data, program := environment(t), testset.Images(t, 60, 20), trainProgram(t)
	dir := t.TempDir()
	run := func(log string, environment []string, name string, arguments ...string) {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, arguments...)
		cmd.Env = append(os.Environ(), environment...)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", log, err, out)
		}
	}
	weights, bundle, out := filepath.Join(dir, "run"), filepath.Join(dir, "bundle.tar.xz"), filepath.Join(dir, "out")
	run("train", nil, program, "--data", data, "--width", "0.25", "--resolution", "32", "--batch-size", "16", "--max-steps", "4", "--progress", "none",
		"--report=false", "--out", weights)
	run("gpu_pack.sh", nil, "../scripts/gpu_pack.sh", "--current", "--data", data, "--weights", weights, "--output", bundle)
	run("gpu_check.sh", []string{"DEVICE=cpu", "QUICK=1", "PART_LIMIT=600", "PYTHON=" + python, "BUNDLE=" + bundle, "OUT=" + out}, "../scripts/gpu_check.sh", "all")

	ok, available := 0, map[string]string{}
	for _, r := range checkRows(t, filepath.Join(out, "rows.jsonl")) {
		switch {
		case r.Status == "failed" || r.Status == "not run":
			t.Errorf("%+v", r)
		case r.Status == "ok":
			ok++
		}
		available[r.Part+": "+r.Name] = r.Text
	}
	for _, want := range []string{
		"a: TestOperations", "a: TestNetworks", "a: TestOptimizers", "a: TestGroupOfOneRank", "a: v1, SIGKILL and resume", "a: v2 with dropout, SIGKILL and resume", "a: PyTorch's gradient of average pools",
		"a: a batch that is too large", "a: a step of batch 1000000", "a: steps after one that was too large", "a: CUDA graphs compute the same",
		"a: v1 in fp16, SIGKILL and resume", "a: CUDA graphs compute the same in fp16", "c: ours step mobilenet_v1 4 fp16 torch graph default", "c: eager step mobilenet_v1 4 fp16",
		"b: fine-tune, seed 1", "b: fine-tune, seed 2", "b: fine-tune, SIGKILL and resume", "b: export to ONNX", "b: logits", "b: eval",
		"c: step mobilenet_v1 4 bf16, 1 rounds", "c: infer mobilenet_v2 4 bf16, 1 rounds", "c: ours step mobilenet_v2 4 bf16 torch graph default",
		"c: ours step, trace", "c: eager step mobilenet_v1 4 bf16, kernels", "c: eager step mobilenet_v1 4 fp32",
		"d: images", "d: loader, 1 workers", "d: train v1 from images", "d: bench step from shards",
	} {
		if _, there := available[want]; !there {
			t.Errorf("no row %q", want)
		}
	}
	if text := available["b: logits"]; !strings.Contains(text, "ONNX Runtime") {
		t.Errorf("logits: %s", text)
	}
	if text := available["c: step mobilenet_v1 4 bf16, 1 rounds"]; !strings.Contains(text, "times compile") || strings.Contains(text, "- times") {
		t.Errorf("speed beside PyTorch: %s", text)
	}
	t.Logf("%d rows are ok, %d in all", ok, len(available))
}

// checkRow is a line of rows.jsonl.
type checkRow struct{ Part, Name, Status, Text string }

func checkRows(t *testing.T, path string) []checkRow {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var rows []checkRow
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var r checkRow
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatalf("%v: %s", err, lines.Text())
		}
		rows = append(rows, r)
	}
	if !slices.ContainsFunc(rows, func(r checkRow) bool { return r.Name == "part d" }) {
		t.Error("the last part did not end")
	}
	return rows
}
