package models

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestGraphSurvivesJSON(t *testing.T) {
	want := every(t)
	text, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Graph
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(&got, want) {
		t.Errorf("got  %+v\nwant %+v", got, *want)
	}
	used := map[Kind]bool{}
	for _, l := range append(want.Layers, layers()...) {
		used[l.Kind] = true
	}
	for kind := range kinds {
		if !used[kind] {
			t.Errorf("kind %s is not tested", kind)
		}
	}
	for _, kept := range []string{`"padding":"same"`, `"function":"relu6"`, `"rate":0.25`, `"momentum":0.01`, `"inputs":["input"]`} {
		if !strings.Contains(string(text), kept) {
			t.Errorf("%s is missing in %s", kept, text)
		}
	}
}

func TestGraphRefusesJSON(t *testing.T) {
	const layer = `{"kind":"global_avg_pool","name":"p","inputs":["c"]}`
	const conv = `{"kind":"conv","name":"c","inputs":["input"],"out":2,"kernel":1,"stride":1,"groups":1,"padding":"valid"}`
	graph := func(layers string) string {
		return `{"name":"n","input":{"channels":3,"height":8,"width":8},"layers":[` + layers + `]}`
	}
	if err := new(Graph).UnmarshalJSON([]byte(graph(conv + "," + layer))); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, text, want string }{
		{"nothing", "", "EOF"},
		{"no object", "3", "cannot unmarshal number"},
		{"null", "null", "must be channels"},
		{"half", `{"name":"n","layers":[`, "EOF"},
		{"text behind it", graph(conv+","+layer) + "{}", "text follows the graph"},
		{"unknown field", `{"name":"n","inputs":3}`, `unknown field "inputs"`},
		{"unknown field of a layer", graph(strings.Replace(conv, `"out"`, `"dilation":2,"out"`, 1)), `unknown field "dilation"`},
		{"field in capitals", graph(strings.Replace(conv, `"stride"`, `"Stride"`, 1)), `unknown field "Stride"`},
		{"field with a look-alike", graph(strings.Replace(conv, `"stride"`, `"ſtride"`, 1)), "unknown field"},
		{"field given twice", graph(strings.Replace(conv, `"stride":1`, `"stride":1,"stride":2`, 1)), `field "stride" is given twice`},
		{"a text for a number", graph(strings.Replace(conv, `"stride":1`, `"stride":"1"`, 1)), "cannot unmarshal string"},
		{"a fraction of a channel", graph(strings.Replace(conv, `"out":2`, `"out":2.5`, 1)), "cannot unmarshal number"},
		{"a number beyond int", graph(strings.Replace(conv, `"out":2`, `"out":99999999999999999999`, 1)), "cannot unmarshal number"},
		{"deeply nested", strings.Repeat("[", 1000), "values nest deeper than 8"},
		{"too many layers", graph(strings.Repeat("{},", 700_000) + "{}"), "more than 600000 values"},
		{"a wrong graph", graph(conv), `the last layer, "c", gives (2, 8, 8)`},
		{"no layers", graph(""), "0 layers: must be 1 to 10000"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var g Graph
			err := g.UnmarshalJSON([]byte(tc.text))
			if !errors.Is(err, ErrGraph) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
			if g.Layers != nil {
				t.Error("the graph was changed")
			}
		})
	}
}

// FuzzGraph: whatever a file says, reading it neither panics nor asks for more memory than its size deserves, and a
// graph that is accepted can be counted, written and read again.
func FuzzGraph(f *testing.F) {
	text, err := json.Marshal(every(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	small, err := NewGraph("small", Shape{3, 8, 8}, layers())
	if err != nil {
		f.Fatal(err)
	}
	if text, err = json.Marshal(small); err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"input":{"channels":1,"height":1,"width":1},"layers":[{"kind":"max_pool","name":"m","inputs":["input"],"padding":"same","kernel":1}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var g Graph
		if err := json.Unmarshal(text, &g); err != nil {
			return
		}
		if sum := g.Summary(); sum.Params != sum.Trainable+sum.NonTrainable || sum.Params <= 0 || sum.MultiplyAdds < 0 {
			t.Errorf("summary %+v", sum)
		}
		written, err := json.Marshal(&g)
		if err != nil {
			t.Fatal(err)
		}
		var again Graph
		if err := json.Unmarshal(written, &again); err != nil || !reflect.DeepEqual(again, g) {
			t.Errorf("read again: %+v, error %v, want %+v", again, err, g)
		}
	})
}
