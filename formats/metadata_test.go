package formats

import (
	"testing"

	"depthwise.dev/weights/weightstest"
)

// TestMetadataJSON: texts that look like JSON stay what they are; what metadataJSON does not write is an error.
func TestMetadataJSON(t *testing.T) {
	for _, c := range []struct{ name, value string }{
		{"object", `{"a":1}`}, {"list", `["a",1]`}, {"number", "7"}, {"text", "ü \"x\""}, {"empty", ""}, {"quoted", `"a"`},
		{"an unfinished object", `{"a":`}, {"null", "null"}, {"HTML", `{"a":"<&>"}`},
	} {
		w := weightstest.New(t)
		w.Meta = map[string]string{"x": c.value}
		text, err := metadataJSON(w)
		if err != nil {
			t.Fatal(err)
		}
		meta, err := parseMetadata(text)
		if err != nil || meta["x"] != c.value {
			t.Errorf("%s: %q became %q, %v", c.name, c.value, meta["x"], err)
		}
	}
	for _, text := range []string{`[]`, `{"a":1}`, `{`} {
		if _, err := parseMetadata([]byte(text)); err == nil {
			t.Errorf("%s is no metadata", text)
		}
	}
}
