package main

import "testing"

// TestChosen: a variable that is set to nothing would be found again after each start.
func TestChosen(t *testing.T) {
	for _, c := range []struct {
		name string
		env  map[string]string
		want bool
	}{
		{"neither", map[string]string{"OMP_NUM_THREADS": "2"}, false},
		{"a number", map[string]string{spinVariable: "100"}, true},
		{"empty", map[string]string{spinVariable: ""}, true},
		{"a policy", map[string]string{"OMP_WAIT_POLICY": "passive"}, true},
		{"an empty policy", map[string]string{"OMP_WAIT_POLICY": ""}, true},
	} {
		if got := chosen(func(name string) (string, bool) { v, ok := c.env[name]; return v, ok }); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestIsLoader(t *testing.T) {
	for file, want := range map[string]bool{
		"/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2": true,
		"/lib/ld-linux-aarch64.so.1":                     true,
		"/lib/x86_64-linux-gnu/ld-2.31.so":               true,
		"/lib/ld-musl-x86_64.so.1":                       true,
		"/usr/bin/ld.so":                                 true,
		"/usr/local/bin/train":                           false,
		"/home/ld-user/bin/train":                        false,
		"./old":                                          false,
	} {
		if got := isLoader(file); got != want {
			t.Errorf("%s: %v, want %v", file, got, want)
		}
	}
}
