package train

import (
	"go.yaml.in/yaml/v3"

	"depthwise.dev/config"
)

// olderSettings gives settings that the checkpoint of an earlier version lacks the meaning that they had: its weight average
// had no warm-up, and --time stopped the process.
func (f *runFolder) olderSettings(c *config.Config) {
	if f.resume == nil || !lacks(f.resume.Meta[metaConfig], "stop_after") {
		return
	}
	if c.EMAWarmup == config.Default().EMAWarmup {
		c.EMAWarmup = config.WarmupNone
		c.EXIF = config.EXIFOff
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
