package main

import (
	"strings"
	"testing"
)

func TestNoteFallback(t *testing.T) {
	for _, tt := range []struct{ name, device, note, want string }{
		{"a GPU fails", "auto", "computes on the CPU: no driver", "note: computes on the CPU: no driver\n"},
		{"by default", "", "computes on the CPU: no driver", "note: computes on the CPU: no driver\n"},
		{"nothing to say", "auto", "", ""},
		{"the CPU was asked for", "cpu", "computes on the CPU: no driver", ""},
	} {
		var b strings.Builder
		if noteFallback(&b, tt.device, tt.note); b.String() != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, b.String(), tt.want)
		}
	}
}
