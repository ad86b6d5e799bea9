package runs

import (
	"fmt"
	"maps"
	"slices"
)

// Difference is a setting in which two runs differ. "" means that a run does not have it.
type Difference struct {
	Setting string `json:"setting"`
	A       string `json:"a"`
	B       string `json:"b"`
}

// Diff lists the settings in which two runs differ, in the order of their names.
func Diff(a, b Run) []Difference {
	x, y := flatten(a.Settings), flatten(b.Settings)
	keys := map[string]bool{}
	for key := range x {
		keys[key] = true
	}
	for key := range y {
		keys[key] = true
	}
	var list []Difference
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if x[key] != y[key] {
			list = append(list, Difference{key, x[key], y[key]})
		}
	}
	return list
}

// flatten writes settings as text; those of groups with dots between the names.
func flatten(s Settings) map[string]string {
	flat := map[string]string{}
	var add func(prefix string, values map[string]any)
	add = func(prefix string, values map[string]any) {
		for key, value := range values {
			switch v := value.(type) {
			case map[string]any:
				add(prefix+key+".", v)
			case Settings:
				add(prefix+key+".", v)
			default:
				flat[prefix+key] = fmt.Sprint(v)
			}
		}
	}
	add("", s)
	return flat
}
