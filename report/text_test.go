package report

import "testing"

func TestSkipIsOneLine(t *testing.T) {
	got := lines(Skip{Step: 3, Path: "a\n\x1b[31mb/café.jpg", Reason: "empty"})
	if want := `warning: step 3: skipped a\u000a\u001b[31mb/café.jpg: empty`; len(got) != 1 || got[0] != want {
		t.Errorf("%q, want %q", got, want)
	}
}
