package train

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"testing"
	"time"

	"depthwise.dev/config"
	"depthwise.dev/report"
)

// The test binary is a trainer where the first names a configuration's file, so that tests can kill
// one; the third makes it pause after each step and wait at the end, and the fourth train smallGraph.
const (
	trainerEnv      = "DEPTHWISE_TEST_TRAINER"
	trainerOutEnv   = "DEPTHWISE_TEST_TRAINER_OUT"
	trainerPauseEnv = "DEPTHWISE_TEST_TRAINER_PAUSE"
	trainerGraphEnv = "DEPTHWISE_TEST_TRAINER_GRAPH"

	trainerControlEnv = "DEPTHWISE_TEST_TRAINER_CONTROL" // a factor of the learning rate, the step after which it changes, and the kind of event at which the process waits to be killed
	trainerExtendEnv  = "DEPTHWISE_TEST_TRAINER_EXTEND"  // epochs to extend the run by
)

func TestMain(m *testing.M) {
	if path := os.Getenv(trainerEnv); path != "" {
		os.Exit(trainer(path, os.Getenv(trainerOutEnv)))
	}
	os.Exit(m.Run())
}

// trainer trains or resumes, and prints a line for each step.
func trainer(path, out string) int {
	c, err := config.Load(path)
	var t Trainer
	if err == nil && os.Getenv(trainerGraphEnv) != "" {
		t.Graph, err = smallGraph(3)
	}
	if err == nil {
		c.Out, c.Resume = out, "auto"
		c.ExtendEpochs, _ = strconv.Atoi(os.Getenv(trainerExtendEnv)) // 0 without it
		control := controlOf(os.Getenv(trainerControlEnv), &t)
		_, err = t.Fit(context.Background(), c, recorderFunc(func(e report.Event) error {
			control(e)
			if step, ok := e.(report.Step); ok {
				fmt.Println(step.Step)
				if os.Getenv(trainerPauseEnv) != "" {
					time.Sleep(60 * time.Millisecond)
				}
			}
			return nil
		}))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if os.Getenv(trainerPauseEnv) != "" {
		os.Stdout.Close()                    // no more steps
		_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed, or the test is gone
	}
	return 0
}

type recorderFunc func(report.Event) error

func (f recorderFunc) Record(e report.Event) error { return f(e) }
func (f recorderFunc) Close() error                { return nil }

// ignore drops all events.
var ignore = recorderFunc(func(report.Event) error { return nil })
