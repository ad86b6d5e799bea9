package main

import (
	"context"
	"errors"
	"strings"
	"testing"

	"depthwise.dev/autograd/oracle/suite"
	"depthwise.dev/diagnose"
)

// TestCheckCommand: a table, or JSON; exit code 1 and the table all the same when an engine is
// wrong.
func TestCheckCommand(t *testing.T) {
	args := []string{"check", "--width", "0.005", "--resolution", "32", "--classes", "4", "--threads", "1"}
	text := done(t, args...)
	for _, want := range []string{"resolution 32, 4 classes; 16 images of noise", "libtorch 2.",
		"gorgonia      differences   fp32          bf16", "blocks.4.1.conv_pw ", "\nloss ", "network, training",
		"- differences: computes single layers only"} {
		if !strings.Contains(text, want) {
			t.Errorf("the table lacks %q:\n%s", want, text)
		}
	}
	var r diagnose.CheckReport
	decode(t, done(t, append(args, "--json", "--data", pictures(t), "--batch-size", "2")...), &r)
	if !r.OK || r.Images != 2 || len(r.Layers) != 30 || r.Layers[0].Cells[0].Engine != "gorgonia" || r.Layers[0].Cells[0].Tolerance <= 0 {
		t.Errorf("%+v", r)
	}

	engines := suite.Engines
	defer func() { suite.Engines = engines }()
	suite.Engines = []suite.Engine{{Name: "broken", Case: func(context.Context, suite.Case) (suite.Result, error) {
		return nil, errors.New("out of order")
	}}}
	code, stdout, stderr := execute(t, args...)
	if code != exitFailed || !strings.Contains(stdout, "error !") || !strings.Contains(stdout, "! loss, broken: out of order") ||
		!strings.Contains(lastLine(stderr), "comparisons are beyond the tolerance") {
		t.Errorf("code %d\n%s\n%s", code, stdout, stderr)
	}
}
