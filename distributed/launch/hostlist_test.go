package launch

import (
	"slices"
	"strings"
	"testing"
)

func TestExpandHosts(t *testing.T) {
	tests := []struct{ list, want string }{
		{"node1", "node1"},
		{"a,b", "a b"},
		{"a b", "a b"},
		{"gpu[001-003,7],login1", "gpu001 gpu002 gpu003 gpu7 login1"},
		{"n[09-11]", "n09 n10 n11"},
		{"r[1-2]n[3,5-6]-ib", "r1n3-ib r1n5-ib r1n6-ib r2n3-ib r2n5-ib r2n6-ib"},
		{"n[5]", "n5"},
		{"", "error: it is empty"},
		{",", "error: it is empty"},
		{"n[1-3", "error: [ without ]"},
		{"n1-3]", "error: ] without ["},
		{"n[]", "error: \"\""},
		{"n[3-1]", "error: 3-1 is no range of numbers"},
		{"n[-1]", "error: -1 is no range"},
		{"n[1-x]", "error: 1-x is no range"},
		{"n[0-9999999]", "error: 0-9999999 is no range"},
		{"n[0-99999]m[0-99999]", "error: more than 131072 nodes"},
		{"a[0-99999],b[0-99999]", "error: more than 131072 nodes"},
	}
	for _, tt := range tests {
		hosts, err := expandHosts(tt.list)
		got := strings.Join(hosts, " ")
		if err != nil {
			got = "error: " + err.Error()
		}
		if got != tt.want && (err == nil || !strings.HasPrefix(got, strings.TrimSuffix(tt.want, `""`))) {
			t.Errorf("%q: %s, want %s", tt.list, got, tt.want)
		}
	}
}

func TestTasksPerNode(t *testing.T) {
	tests := []struct {
		text string
		want []int
	}{
		{"4", []int{4}},
		{"2(x3),1", []int{2, 2, 2, 1}},
		{"1,2,3(x2)", []int{1, 2, 3, 3}},
		{"", nil}, {"0", nil}, {"2(x", nil}, {"2(x2", nil}, {"2(x0)", nil}, {"2x2", nil}, {"-1", nil}, {"1(x99999999)", nil}, {"1,,2", nil},
	}
	for _, tt := range tests {
		got, err := tasksPerNode(tt.text)
		if !slices.Equal(got, tt.want) || (err != nil) != (tt.want == nil) {
			t.Errorf("%q: %v, %v; want %v", tt.text, got, err, tt.want)
		}
	}
}

// FuzzHosts: lists expand to names without brackets, within the limit.
func FuzzHosts(f *testing.F) {
	f.Add("gpu[001-003,7],login1")
	f.Add("r[1-2]n[3,5-6]-ib")
	f.Add("n[1-3")
	f.Fuzz(func(t *testing.T, list string) {
		hosts, err := expandHosts(list)
		if err == nil && (len(hosts) == 0 || len(hosts) > maxNodes) {
			t.Errorf("%q: %d hosts", list, len(hosts))
		}
		for _, h := range hosts {
			if strings.ContainsAny(h, "[]") {
				t.Errorf("%q: host %q", list, h)
			}
		}
	})
}
