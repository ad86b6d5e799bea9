package config

import (
	"fmt"
	"maps"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// settingTypes returns the type of each key of a configuration file.
func settingTypes() map[string]reflect.Type {
	types := map[string]reflect.Type{}
	addTypes(types, reflect.TypeFor[Config]())
	return types
}

// addTypes adds the fields of a struct under their YAML names, and those of inlined structs.
func addTypes(types map[string]reflect.Type, of reflect.Type) {
	for i := range of.NumField() {
		field := of.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			addTypes(types, field.Type)
		case field.IsExported() && name != "" && name != "-":
			types[name] = field.Type
		}
	}
}

// wantedType describes the values of a type, for errors about values of another type.
func wantedType(t reflect.Type, value *yaml.Node) string {
	if t == reflect.TypeFor[time.Duration]() {
		return "must be a duration such as 90s, 10m or 2h"
	}
	if t == reflect.TypeFor[EXIF]() {
		return "must be auto, true or false"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "must be true or false"
	case reflect.Int, reflect.Int64:
		return "must be a whole number" + outOfRange(value, math.MaxInt64)
	case reflect.Uint64:
		return "must be a whole number, at least 0" + outOfRange(value, math.MaxUint64)
	case reflect.Float64:
		return "must be a number" + decimalPoint(value)
	case reflect.Array:
		return fmt.Sprintf("must be a list of %d numbers, such as [%s]", t.Len(), strings.Repeat("0.5, ", t.Len()-1)+"0.5")
	case reflect.Slice:
		return "must be a list such as [norm, bias]"
	}
	return "must be text"
}

// truncated reports whether a number with a fraction was given for a whole number, which the YAML
// package truncates.
func truncated(t reflect.Type, value *yaml.Node) bool {
	if value.ShortTag() != "!!float" || !slices.Contains([]reflect.Kind{reflect.Int, reflect.Int64, reflect.Uint64}, t.Kind()) {
		return false
	}
	x, err := strconv.ParseFloat(value.Value, 64)
	return err != nil || x != math.Trunc(x)
}

// outOfRange gives the limit that a whole number exceeds.
func outOfRange(value *yaml.Node, limit uint64) string {
	n, ok := new(big.Int).SetString(strings.ReplaceAll(value.Value, "_", ""), 0)
	if value.Kind != yaml.ScalarNode || !ok || n.CmpAbs(new(big.Int).SetUint64(limit)) <= 0 {
		return ""
	}
	return fmt.Sprintf(" and at most %d", limit)
}

// decimalPoint suggests a decimal point for a number with a decimal comma.
func decimalPoint(value *yaml.Node) string {
	text := strings.Replace(value.Value, ",", ".", 1)
	if _, err := strconv.ParseFloat(text, 64); err != nil || text == value.Value {
		return ""
	}
	return "; write " + text + " with a decimal point"
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
