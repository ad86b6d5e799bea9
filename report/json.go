package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"reflect"
	"strings"
)

// NewJSON returns a recorder that writes each event to w as a line of JSON. Close does not close w.
func NewJSON(w io.Writer) Recorder { return jsonRecorder{w} }

type jsonRecorder struct{ w io.Writer }

func (r jsonRecorder) Record(e Event) error {
	line, err := jsonLine(e)
	if err != nil {
		return err
	}
	if _, err := r.w.Write(line); err != nil {
		return fmt.Errorf("report: json: %w", err)
	}
	return nil
}

func (jsonRecorder) Close() error { return nil }

// Line returns an event as a line of events.jsonl.
func Line(e Event) ([]byte, error) { return jsonLine(e) }

// jsonLine encodes an event: the kind, then the fields in the order of the struct. NaN and
// infinity, which JSON lacks, are encoded as null. A zero value whose tag says omitempty is left
// out, and so is what was not computed.
func jsonLine(e Event) ([]byte, error) {
	v := reflect.Indirect(reflect.ValueOf(e))
	if v.Kind() != reflect.Struct {
		return nil, fmt.Errorf("report: json: event %T is not a struct", e)
	}
	parts, optional := e.(interface{ absent(field string) bool })
	var line bytes.Buffer
	fmt.Fprintf(&line, `{"event":%q`, e.Kind())
	for i := range v.NumField() {
		name, option, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		if option == "omitempty" && v.Field(i).IsZero() || optional && parts.absent(name) {
			continue
		}
		if name == "" {
			return nil, fmt.Errorf("report: json: event %T: field %s has no json tag", e, v.Type().Field(i).Name)
		}
		value, err := jsonValue(v.Field(i).Interface())
		if err != nil {
			return nil, fmt.Errorf("report: json: event %T: field %s: %w", e, name, err)
		}
		fmt.Fprintf(&line, `,%q:%s`, name, value)
	}
	line.WriteString("}\n")
	return line.Bytes(), nil
}

func jsonValue(value any) ([]byte, error) {
	if f, isFloat := value.(float64); isFloat && !finite(f) {
		return []byte("null"), nil
	}
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	err := enc.Encode(value)
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), err
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }
