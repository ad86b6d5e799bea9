package devicetest

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"depthwise.dev/bench"
	"depthwise.dev/config"
)

// measureVariable makes [TestMeasure] a process that measures what its standard input asks for. A process for many measurements
// starts a GPU's libraries once, which takes longer than to measure.
const measureVariable = "DEPTHWISE_MEASURE"

// request is a line of TestMeasure's input.
type request struct {
	What   string         `json:"what"` // step or infer
	Steps  int            `json:"steps"`
	Warmup int            `json:"warmup"`
	Config map[string]any `json:"config"` // keys of a configuration file
}

// reply is a line of its output.
type reply struct {
	ImagesPerSecond float64 `json:"img_s"`
	Backend         string  `json:"backend,omitempty"`
	Error           string  `json:"error,omitempty"`
	Details         any     `json:"details,omitempty"` // as bench prints it with --json
}

// TestMeasure answers requests for the speed of training and of inference, a JSON object a line. As a test it asks for small
// networks and for what does not exist.
func TestMeasure(t *testing.T) {
	if os.Getenv(measureVariable) != "" {
		if err := answer(t.Context(), os.Stdin, os.Stdout, t.TempDir()); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, c := range []struct{ name, line, want string }{
		{"a training step", `{"what":"step","steps":2,"warmup":1,"config":{"width":0.25,"resolution":32,"batch_size":4,"backend":"torch","device":"cpu","threads":1}}`, ""},
		{"inference", `{"what":"infer","steps":2,"config":{"arch":"mobilenet_v2","width":0.25,"resolution":32,"batch_size":4,"device":"cpu","threads":1}}`, ""},
		{"another measurement", `{"what":"loader"}`, `unknown measurement "loader"`},
		{"a wrong setting", `{"what":"step","config":{"no_such_setting":1}}`, "no_such_setting"},
		{"a wrong value", `{"what":"step","config":{"backend":"none"}}`, "none"},
		{"no JSON", `step`, "request"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var out strings.Builder
			if err := answer(t.Context(), strings.NewReader(c.line+"\n"), &out, t.TempDir()); err != nil {
				t.Fatal(err)
			}
			var r reply
			if err := json.Unmarshal([]byte(out.String()), &r); err != nil {
				t.Fatalf("%v: %q", err, out.String())
			}
			if c.want == "" && (r.Error != "" || !(r.ImagesPerSecond > 0) || r.Backend == "") || !strings.Contains(r.Error, c.want) {
				t.Errorf("%+v, want error %q", r, c.want)
			}
		})
	}
}

// answer reads requests and writes a reply to each.
func answer(ctx context.Context, in io.Reader, out io.Writer, dir string) error {
	for lines := bufio.NewScanner(in); lines.Scan(); {
		r, err := measure(ctx, lines.Bytes(), filepath.Join(dir, "config.yaml"))
		if err != nil {
			r = reply{Error: strings.ReplaceAll(err.Error(), "\n", "; ")}
		}
		if err := json.NewEncoder(out).Encode(r); err != nil {
			return err
		}
	}
	return nil
}

// measure answers a request. Its configuration goes through a file, so that what the program refuses is refused here.
func measure(ctx context.Context, line []byte, file string) (reply, error) {
	r := request{Steps: 30, Warmup: 5}
	if err := json.Unmarshal(line, &r); err != nil {
		return reply{}, fmt.Errorf("request: %w", err)
	}
	text, err := json.Marshal(r.Config) // JSON is YAML
	if err != nil {
		return reply{}, err
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return reply{}, err
	}
	c, err := config.Load(file)
	if err != nil {
		return reply{}, err
	}
	if err := c.BackendOptions().Validate(); err != nil {
		return reply{}, err
	}
	steps := bench.Steps{Warmup: r.Warmup, Count: r.Steps}
	switch r.What {
	case "step":
		speed, err := bench.Step(ctx, c, steps)
		return reply{ImagesPerSecond: speed.ImagesPerSecond, Backend: speed.Kernels, Details: speed}, err
	case "infer":
		speed, err := bench.Infer(ctx, c, steps)
		return reply{ImagesPerSecond: speed.ImagesPerSecond, Backend: speed.Kernels, Details: speed}, err
	}
	return reply{}, fmt.Errorf("unknown measurement %q", r.What)
}
