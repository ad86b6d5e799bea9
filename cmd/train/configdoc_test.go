package main

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "rewrite docs/configuration.md")

// TestConfigReference: docs/configuration.md is up to date.
func TestConfigReference(t *testing.T) {
	const file = "../../docs/configuration.md"
	want := done(t, "docs", "config")
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != want {
		t.Errorf("%s is out of date (%v): run go test ./cmd/train -run TestConfigReference -update", file, err)
	}
}

// TestConfigKeys: every flag of training has its key in a configuration file, and every key is
// documented.
func TestConfigKeys(t *testing.T) {
	keys, err := configKeys()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, k := range keys {
		names = append(names, k.name)
	}
	cmd := configured(newSettings())
	var flagged []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if key := keyOf(f.Name); key != "" {
			flagged = append(flagged, key)
			if !slices.Contains(names, key) {
				t.Errorf("--%s: no key %s", f.Name, key)
			}
			if _, listed := f.Value.(enumerated); !listed && allowedValues[f.Name] == "" {
				t.Errorf("--%s: allowed values are not documented", f.Name)
			}
			if flagTypes[f.Value.Type()] == "" {
				t.Errorf("--%s: type %s is not documented", f.Name, f.Value.Type())
			}
		}
	})
	text := done(t, "docs", "config")
	for _, name := range names {
		if !strings.Contains(text, "| `"+name+"` |") {
			t.Errorf("the reference lacks the key %s", name)
		}
		if !slices.Contains(flagged, name) && otherSettings[name] == "" {
			t.Errorf("the key %s has neither a flag nor a description", name)
		}
	}
}

// TestAllowedValues: the documented bounds are those that validation enforces.
func TestAllowedValues(t *testing.T) {
	for _, c := range []struct{ flag, accepted, refused string }{
		{"val-split", "0 0.999", "-0.1 1"},
		{"batch-size", "1", "0"},
		{"workers", "auto 0", "-1"},
		{"shuffle-buffer", "0", "-1"},
		{"shard-cache", "0", "-1"},
		{"width", "0.01 16", "0 16.1"},
		{"classes", "0", "-1"},
		{"epochs", "1", "0"},
		{"max-steps", "0", "-1"},
		{"lr", "1e-9", "0"},
		{"momentum", "0 0.99", "-0.1 1"},
		{"weight-decay", "0", "-1"},
		{"step-epochs", "0", "-1"},
		{"gamma", "0 1", "-0.1 1.1"},
		{"warmup-epochs", "auto 0 89", "-1 90"},
		{"label-smoothing", "0 0.9", "-0.1 1"},
		{"clip-grad-norm", "0", "-1"},
		{"ema-decay", "0 0.9999", "-0.1 1"},
		{"accumulate", "1", "0"},
		{"crop-scale", "0.1,1 0.5,0.5", "0,1 0.5,0.4 0.5,1.1"},
		{"crop-ratio", "0.1,9", "0,1 2,1"},
		{"flip", "0 1", "-0.1 1.1"},
		{"color-jitter", "0,0,0,0 10,10,10,0.5", "-1 11 0,0,0,0.6"},
		{"random-erase", "0 1", "-0.1 1.1"},
		{"mixup", "0 100", "-0.1 101"},
		{"cutmix", "0 100", "-0.1 101"},
		{"threads", "0", "-1"},
		{"seed", "0", "-1"},
		{"time", "0s 2h", "-1s"},
		{"stop-after", "0s 2h", "-1s"},
		{"swa-epochs", "0 90", "-1 91"},
		{"patience", "0 5", "-1"},
		{"keep", "1", "0"},
		{"checkpoint-every", "10m 500steps", "500 soon"},
	} {
		for _, value := range strings.Fields(c.accepted) {
			if err := trySetting(c.flag, value); err != nil {
				t.Errorf("--%s %s (documented: %s): %v", c.flag, value, allowedValues[c.flag], err)
			}
		}
		for _, value := range strings.Fields(c.refused) {
			if trySetting(c.flag, value) == nil {
				t.Errorf("--%s %s is accepted, documented: %s", c.flag, value, allowedValues[c.flag])
			}
		}
	}
}

func trySetting(flag, value string) error {
	s := newSettings()
	cmd := configured(s)
	if err := cmd.ParseFlags([]string{"--data", "x", "--schedule=step", "--" + flag + "=" + value}); err != nil {
		return err
	}
	_, err := s.checked(cmd)
	return err
}
