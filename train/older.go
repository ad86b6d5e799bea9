package train

import (
	"encoding/json"

	"go.yaml.in/yaml/v3"

	"depthwise.dev/config"
)

// olderSettings gives settings that the checkpoint of an earlier version lacks the meaning that they had: its weight average
// had no warm-up, and --time stopped the process. The run's config.yaml and the commands that continue it keep that meaning, so
// later checkpoints record it.
func (f *runFolder) olderSettings(c *config.Config) {
	if f.resume == nil {
		return
	}
	var p progress
	err := json.Unmarshal([]byte(f.resume.Meta[metaProgress]), &p) // resume reports damage
	f.older = lacks(f.resume.Meta[metaConfig], "stop_after") || err == nil && p.Older
	if !f.older {
		return
	}
	if c.EMAWarmup == config.Default().EMAWarmup {
		c.EMAWarmup = config.WarmupNone
	}
	c.StopAfter, c.Time = max(c.StopAfter, c.Time), 0
}

// olderDefaults are the defaults of settings that a checkpoint of an earlier version lacks.
func olderDefaults() config.Config {
	c := config.Default()
	c.EMAWarmup = config.WarmupNone
	c.EXIF = config.EXIFOff
	return c
}

// lacks reports whether a configuration, as YAML, does not name a setting.
func lacks(text, key string) bool {
	settings := map[string]any{}
	if err := yaml.Unmarshal([]byte(text), &settings); err != nil || len(settings) == 0 {
		return false // weights alone, or damaged metadata: resume reports it
	}
	_, named := settings[key]
	return !named
}
