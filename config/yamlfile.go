package config

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"depthwise.dev/internal/suggest"
	"depthwise.dev/internal/validate"
)

// yamlFile is a parsed file of settings.
type yamlFile struct {
	path     string
	settings []setting // in the order of the file
}

// setting is a key of the file with its value.
type setting struct{ key, value *yaml.Node }

// renamed are the settings that files of older versions have under another name.
var renamed = map[string]string{"kernels": "backend"}

// parse reads the keys of a YAML file. Unknown and repeated keys are an *Error with their lines.
func parse(path string, text []byte) (yamlFile, error) {
	f := yamlFile{path: path}
	top, err := f.document(text)
	if top == nil || err != nil {
		return f, err
	}
	err = f.read(top, "a configuration is a list of `setting: value`")
	return f, err
}

// read reads the settings of a mapping; want describes the mapping. Unknown and repeated keys are an *Error with their
// lines.
func (f *yamlFile) read(top *yaml.Node, want string) error {
	if top.Kind != yaml.MappingNode {
		return f.fieldError("", "", top.Line, want)
	}
	known, first := settingTypes(), map[string]int{}
	var v validate.Collector
	unknown := 0
	for i := 0; i+1 < len(top.Content); i += 2 {
		key, value := top.Content[i], top.Content[i+1]
		if value.Kind == yaml.AliasNode {
			value = value.Alias
		}
		if err := decodeBinary(value); err != nil {
			v.Add(f.field(key.Value, shown(value), value.Line, "must be base64 after !!binary"))
		}
		if name, ok := renamed[key.Value]; ok {
			key.Value = name
		}
		switch line, repeated := first[key.Value]; {
		case repeated:
			v.Add(f.field(key.Value, "", key.Line, fmt.Sprintf("set twice, first in line %d", line)))
		case known[key.Value] == nil && unknown == maxUnknown:
			return v.Err()
		case known[key.Value] == nil:
			unknown++
			want := "no such setting"
			if c := suggest.Closest(key.Value, sortedKeys(known)); c != "" {
				want += "; did you mean " + c + "?"
			}
			v.Add(f.field(shorten(key.Value), "", key.Line, want))
		}
		first[key.Value] = key.Line
		f.settings = append(f.settings, setting{key, value})
	}
	return v.Err()
}

// maxUnknown is the number of unknown keys that an error names. More are those of another kind of
// file.
const maxUnknown = 20

// document returns the mapping of the file's only document, nil if the file holds none.
func (f yamlFile) document(text []byte) (*yaml.Node, error) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	var top *yaml.Node
	for {
		var doc yaml.Node
		switch err := d.Decode(&doc); {
		case errors.Is(err, io.EOF):
			return top, nil
		case err != nil:
			return nil, f.syntaxError(err)
		}
		if len(doc.Content) == 0 || doc.Content[0].ShortTag() == "!!null" {
			continue // empty, or only comments
		}
		if top != nil {
			return nil, f.fieldError("", "", doc.Content[0].Line, "a second YAML document begins here: a configuration is one document; remove the line \"---\" before it")
		}
		top = doc.Content[0]
	}
}

// decodeBinary replaces base64, as which YAML stores a path that is not UTF-8, by its bytes.
func decodeBinary(value *yaml.Node) error {
	if value.Kind != yaml.ScalarNode || value.ShortTag() != "!!binary" {
		return nil
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(value.Value), ""))
	if err == nil {
		value.Tag, value.Value = "!!str", string(raw)
	}
	return err
}

// shorten cuts a text of the file for a message.
func shorten(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return text
}

// has reports whether the file names a setting.
func (f yamlFile) has(key string) bool {
	return slices.ContainsFunc(f.settings, func(s setting) bool { return s.key.Value == key })
}

// text returns the value of a setting that is text, "" if the file does not name it.
func (f yamlFile) text(key string) string {
	for _, s := range f.settings {
		if s.key.Value == key && s.value.Kind == yaml.ScalarNode && s.value.Tag != "!!null" {
			return s.value.Value
		}
	}
	return ""
}

// automatic are the settings that may be auto, stored as -1.
var automatic = map[string]bool{"workers": true, "warmup_epochs": true, "batch_size": true}

// decode sets the file's settings in c. Values of the wrong type are an *Error with their lines.
func (f yamlFile) decode(c *Config) error {
	types := settingTypes()
	var v validate.Collector
	for _, s := range f.settings {
		if automatic[s.key.Value] && s.value.Value == "auto" {
			s.value = &yaml.Node{Kind: yaml.ScalarNode, Value: "-1", Line: s.value.Line}
		}
		one := yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: []*yaml.Node{s.key, s.value}}
		if err := one.Decode(c); err != nil || truncated(types[s.key.Value], s.value) {
			v.Add(f.field(s.key.Value, shown(s.value), s.value.Line, wantedType(types[s.key.Value], s.value)))
		}
	}
	return v.Err()
}

// shown formats a value in one line for a message.
func shown(value *yaml.Node) string {
	if value.Kind == yaml.ScalarNode {
		return strconv.Quote(shorten(value.Value))
	}
	text, err := yaml.Marshal(value)
	if err != nil {
		return ""
	}
	return shorten(strings.Join(strings.Fields(string(text)), " "))
}

// locate adds file and line to the invalid fields that the file sets, unless an explicit choice
// overrides them.
func (f yamlFile) locate(err error, explicit Sources) error {
	e, ok := errors.AsType[*validate.Error](err)
	if !ok {
		return err
	}
	overridden := map[string]bool{"data": explicit.Data != "", "recipe": explicit.Recipe != "",
		"arch": explicit.Arch != "", "variant": explicit.Variant != "", "optimizer": explicit.Optimizer != ""}
	for i, field := range e.Fields {
		for _, s := range f.settings {
			if s.key.Value == field.Field && !overridden[field.Field] {
				e.Fields[i].File, e.Fields[i].Line = f.path, s.key.Line
			}
		}
	}
	return err
}

func (f yamlFile) field(name, value string, line int, want string) FieldError {
	return FieldError{Field: name, Value: value, Want: want, File: f.path, Line: line}
}

func (f yamlFile) fieldError(name, value string, line int, want string) error {
	return &validate.Error{Fields: []FieldError{f.field(name, value, line, want)}}
}

// yamlLine matches the line number in the YAML package's syntax errors, which have it only in their
// text.
var yamlLine = regexp.MustCompile(`^yaml: line ([0-9]+): `)

func (f yamlFile) syntaxError(err error) error {
	text, line := strings.TrimPrefix(err.Error(), "yaml: "), 1
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		text = err.Error()[len(m[0]):]
		if n, err := strconv.Atoi(m[1]); err == nil {
			line = n
		}
	}
	return f.fieldError("", "", line, "not valid YAML: "+text)
}
