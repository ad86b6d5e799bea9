package config

import "testing"

func TestRecipesAreValid(t *testing.T) {
	for _, r := range Recipes() {
		c, err := Sources{Data: "photos", Recipe: r.Name}.Config()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", r.Name, err)
		}
		if r.Source == "" {
			t.Errorf("%s: no source", r.Name)
		}
	}
}
