package scripts

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestScalingCheck runs scripts/scaling_check.sh with a program that prints the result of rank 0: each network has a row, and
// ranks can reach each other in it.
func TestScalingCheck(t *testing.T) {
	readScripts(t)
	train := filepath.Join(t.TempDir(), "train")
	program := `#!/bin/sh
ping() { python3 -c "import socket, sys; s = socket.create_connection(('10.77.0.1', 29400), 5); s.sendall(b'x')"; }
if [ "$RANK" = 0 ]; then
	python3 -c "import socket; l = socket.create_server(('10.77.0.1', 29400)); l.settimeout(20); assert l.accept()[0].recv(1) == b'x'" || exit 1
	echo '{"profile": {"step_ms": 300.5}, "measured": {"step_ms": 330, "predicted": {"step_ms": 300}, "load": {"others": 0.04},
		"all_reduce": {"link": {"latency_us": 180, "gbit_s": 0.991}}}}'
else
	for i in 1 2 3 4 5 6 7 8 9; do ping 2>/dev/null && exit 0; sleep 0.2; done; exit 1
fi
`
	if err := os.WriteFile(train, []byte(program), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		args   []string
		status int
		want   []string
	}{
		{"bandwidth", []string{"2:1gbit:0"}, 0, []string{"2:1gbit:0            180    0.991     300.5      330.0      300.0     1.10        4 %\n"}},
		{"latency", []string{"2:0:1ms"}, 0, []string{"2:0:1ms              180    0.991     300.5      330.0      300.0     1.10        4 %\n"}},
		{"a wrong network", []string{"2:1gbit"}, 2, []string{"scaling_check: not RANKS:RATE:LATENCY: 2:1gbit\n"}},
		{"help", []string{"--help"}, 0, []string{"Usage: scripts/scaling_check.sh"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "bash", append([]string{"scaling_check.sh"}, c.args...)...)
			cmd.Env = append(os.Environ(), "TRAIN="+train)
			out, err := cmd.CombinedOutput()
			if strings.Contains(string(out), "scaling_check: skipped: ") {
				t.Skip(string(out))
			}
			if cmd.ProcessState.ExitCode() != c.status {
				t.Errorf("%v\n%s", err, out)
			}
			for _, want := range c.want {
				if !strings.Contains(string(out), want) {
					t.Errorf("lacks %q:\n%s", want, out)
				}
			}
		})
	}
}
