package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Need says that settings have an effect only with others.
type Need struct {
	Settings []string // as in YAML
	Key      string   // the setting whose value decides; "": one that has to be set
	With     string   // what gives them their effect, as flags
	met      func(Config) bool
}

// Needs lists the settings that have an effect only with others.
var Needs = []Need{
	{[]string{"step_epochs"}, "schedule", "--schedule step or exp", func(c Config) bool { return c.scheduled("step", "exp") }},
	{[]string{"gamma"}, "schedule", "--schedule step, exp or plateau", func(c Config) bool { return c.scheduled("step", "exp", Plateau) }},
	{[]string{"plateau_patience", "plateau_threshold", "plateau_cooldown", "plateau_min_lr"}, "schedule", "--schedule plateau", func(c Config) bool { return c.scheduled(Plateau) }},
	{[]string{"ema_warmup", "ema_steps"}, "", "--ema-decay", func(c Config) bool { return c.EMADecay != 0 }},
	{[]string{"swa_lr"}, "", "--swa-epochs", func(c Config) bool { return c.SWAEpochs != 0 }},
	{[]string{"min_delta"}, "", "--patience", func(c Config) bool { return c.Patience != 0 }},
	{[]string{"monitor"}, "", "--patience or --schedule plateau", func(c Config) bool { return c.Patience > 0 || c.scheduled(Plateau) }},
	{[]string{"focal_gamma"}, "loss", "--loss focal", func(c Config) bool { return c.Loss == LossFocal }},
	{[]string{"crop_scale", "crop_ratio", "flip"}, "augment", "--augment basic", func(c Config) bool { return c.Augment != "none" }},
}

// scheduled reports whether the schedule is one of these, or unknown, which the validation reports.
func (c Config) scheduled(names ...string) bool {
	return slices.Contains(names, c.Schedule) || !slices.Contains(Schedules, c.Schedule)
}

// Unmet returns the need of a setting, by its name in YAML, that the configuration does not meet; ok is false without one.
func (c Config) Unmet(setting string) (n Need, ok bool) {
	i := slices.IndexFunc(Needs, func(n Need) bool { return slices.Contains(n.Settings, setting) })
	if i < 0 || Needs[i].met(c) {
		return Need{}, false
	}
	return Needs[i], true
}

// given is a setting of a file, the configuration or a user's recipe, with another value than it would have without the file.
// The file of a run holds every setting, most of which nobody chose.
type given struct {
	file, key, value string // the value as YAML
	line             int
}

// given returns the settings of the file that changed the configuration before to after.
func (f yamlFile) given(before, after Config) ([]given, error) {
	was, err := before.values()
	if err != nil {
		return nil, err
	}
	is, err := after.values()
	if err != nil {
		return nil, err
	}
	var list []given
	for _, s := range f.settings {
		if key := s.key.Value; is[key] != was[key] {
			list = append(list, given{f.path, key, is[key], s.key.Line})
		}
	}
	return list, nil
}

// givenByRecipe returns the settings of a user's recipe.
func givenByRecipe(name string) ([]given, error) {
	if setsNothing(name) || !isRecipeFile(name) {
		return nil, nil
	}
	r, err := FindRecipe(name)
	if err != nil {
		return nil, err
	}
	c := Default()
	if err := r.settings.decode(&c); err != nil {
		return nil, err
	}
	return r.settings.given(Default(), c)
}

// flagName matches a flag in [Need.With].
var flagName = regexp.MustCompile(`--[a-z0-9-]+`)

// WithoutEffect describes the settings of the files that have no effect, because of the other settings; one line each.
func (c Config) WithoutEffect() ([]string, error) {
	now, err := c.values()
	if err != nil {
		return nil, err
	}
	var list []string
	for _, g := range c.given {
		n, unmet := c.Unmet(g.key)
		if !unmet || now[g.key] != g.value || g.value == "0" { // 0: off, which flags may say too
			continue
		}
		with := flagName.ReplaceAllStringFunc(n.With, func(flag string) string {
			return strings.ReplaceAll(strings.TrimPrefix(flag, "--"), "-", "_")
		})
		text := fmt.Sprintf("%s:%d: %s has no effect without %s", g.file, g.line, g.key, with)
		if n.Key != "" {
			text = fmt.Sprintf("%s:%d: %s has no effect with %s %s: it is for %s", g.file, g.line, g.key, n.Key, now[n.Key], with)
		}
		list = append(list, text)
	}
	return list, nil
}
