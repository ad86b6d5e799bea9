package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
)

const goldenJSON = `{"event":"start","run":"runs/a","images":100,"val_images":20,"epochs":12,"batches":57,"step":3,"steps":684,"description":"<paper> & 0.5\ntwo lines"}
{"event":"step","step":57,"epoch":1,"batch":57,"batches":57,"loss":2.104,"lr":0.05,"top1":0.375,"images":32,"images_per_second":412.25,"grad_norm":1e-7}
{"event":"validation","epoch":1,"batch":2,"batches":5}
{"event":"epoch","epoch":3,"epochs":12,"step":57,"train_loss":2.104,"train_top1":0.382,"val_loss":1.93,"val_top1":0.42,"val_top5":0.785,"averaged":false,"lr":0.05,"images_per_second":412.3,"seconds":23.4,"data_wait_share":0.01,"val_images":20,"skipped":0,"best":false}
{"event":"checkpoint","step":57,"path":"runs/a/checkpoints/step-00000057.safetensors","best":true}
{"event":"skip","step":57,"path":"a/b \"c\".jpg","reason":"unexpected EOF"}
{"event":"note","level":"warning","text":"loss is high"}
{"event":"done","step":570,"epochs":10,"best_top1":0.643,"seconds":3723,"status":"finished"}
`

func TestJSONLines(t *testing.T) {
	var out bytes.Buffer
	r := NewJSON(&out)
	record(t, r, aStart, aStep, aVal, anEpoch, aCheckpoint, aSkip, aNote, aDone)
	closeIt(t, r)
	if out.String() != goldenJSON {
		t.Errorf("got\n%swant\n%s", out.String(), goldenJSON)
	}
	for line := range strings.Lines(out.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("not JSON: %s", line)
		}
	}
}

func TestJSONNonFiniteNumbers(t *testing.T) {
	var out bytes.Buffer
	record(t, NewJSON(&out), Step{Loss: math.NaN(), LR: math.Inf(1), Top1: math.Inf(-1), GradNorm: math.MaxFloat64})
	want := `"loss":null,"lr":null,"top1":null,"images":0,"images_per_second":0,"grad_norm":1.7976931348623157e+308}`
	if !strings.Contains(out.String(), want) || !json.Valid(out.Bytes()) {
		t.Errorf("got %s, want %s in it", out.String(), want)
	}
}

type strangeEvent int

func (strangeEvent) Kind() string { return "strange" }

type untagged struct{ A int }

func (untagged) Kind() string { return "untagged" }

func TestJSONErrors(t *testing.T) {
	if err := NewJSON(&failing{room: 3}).Record(aNote); !errors.Is(err, errWriter) {
		t.Errorf("a failing writer: %v", err)
	}
	var out bytes.Buffer
	for _, e := range []Event{strangeEvent(1), untagged{1}} {
		if err := NewJSON(&out).Record(e); err == nil || out.Len() > 0 {
			t.Errorf("%T: error %v, output %q", e, err, out.String())
		}
	}
	if err := NewJSON(&out).Record(&aNote); err != nil {
		t.Errorf("a pointer to an event: %v", err)
	}
}

func TestMultiContinuesAfterAnError(t *testing.T) {
	var out bytes.Buffer
	m := Multi{NewJSON(&failing{}), NewJSON(&out), NewJSON(&failing{})}
	err := m.Record(aNote)
	if !errors.Is(err, errWriter) || strings.Count(err.Error(), errWriter.Error()) != 2 {
		t.Errorf("error %v, want both errors", err)
	}
	if !strings.Contains(out.String(), "loss is high") {
		t.Errorf("the recorder between them wrote %q", out.String())
	}
	closeIt(t, m)
}
