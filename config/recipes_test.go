package config

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// TestRecipes reads the file of every recipe of this program.
func TestRecipes(t *testing.T) {
	for _, file := range recipeFileNames() {
		text, err := recipeFiles.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		r, err := parseRecipe(file, text)
		if err != nil {
			t.Error(err)
			continue
		}
		if err := r.validate(); err != nil {
			t.Error(err)
		}
		if r.Name+".yaml" != path.Base(file) {
			t.Errorf("%s describes %q", file, r.Name)
		}
		if r.Source == "" || r.Purpose == "" || r.Expected == "" || !strings.Contains(r.Command, "train ") {
			t.Errorf("%s: source %q, purpose %q, expected %q, command %q", file, r.Source, r.Purpose, r.Expected, r.Command)
		}
		if _, err := (Sources{Data: "photos", Recipe: r.Name}).Config(); err != nil {
			t.Error(err)
		}
	}
	if n := len(Recipes()); n != len(recipeFileNames()) || n < 8 {
		t.Errorf("%d recipes of %d files", n, len(recipeFileNames()))
	}
}

// TestRecipeImagenet: the recipe of large data sets is the defaults.
func TestRecipeImagenet(t *testing.T) {
	r, err := FindRecipe(largeScratch)
	if err != nil {
		t.Fatal(err)
	}
	if different, err := r.Settings(); err != nil || len(different) > 0 {
		t.Errorf("differs in %v, %v", different, err)
	}
}

// TestWrongRecipes: a recipe's file is as strict as a configuration.
func TestWrongRecipes(t *testing.T) {
	for _, c := range []struct{ name, file, want string }{
		{"unknown setting", "name: mine\nsettings:\n  batchsize: 3\n", "FILE:3: batchsize: no such setting; did you mean batch_size?"},
		{"unknown key", "name: mine\nsetings:\n  lr: 3\n", "FILE:2: setings: no such key; did you mean settings? A recipe has name, source, purpose, command, expected, settings"},
		{"setting outside settings", "name: mine\nlr: 3\nsettings: {}\n", "FILE:2: lr: a setting: move it below settings"},
		{"a configuration", "lr: 3\nepochs: 4\n", "FILE:1: not a recipe, which has the keys name, source, purpose, command, expected, settings; a configuration is given as --config"},
		{"value of the wrong type", "name: mine\nsettings:\n  epochs: many\n", `FILE:3: epochs "many": must be a whole number`},
		{"value beyond its limits", "name: mine\nsettings:\n  lr: -1\n", "FILE:3: lr -1: must be above 0 and finite"},
		{"setting twice", "name: mine\nsettings:\n  lr: 1\n  lr: 2\n", "FILE:4: lr: set twice, first in line 3"},
		{"key twice", "name: mine\nname: yours\nsettings: {}\n", "FILE:2: name: set twice, first in line 1"},
		{"no name", "settings:\n  lr: 1\n", `FILE:1: name "": must be a word, such as my-recipe`},
		{"name of two words", "name: my recipe\nsettings: {}\n", `FILE:1: name "my recipe": must be a word`},
		{"no settings", "name: mine\n", "settings: FILE lacks it"},
		{"empty settings", "name: mine\nsettings:\n", "FILE:2: the settings of a recipe are a list of `setting: value`"},
		{"empty file", "# nothing\n", "FILE:1: a recipe has the keys name,"},
		{"list", "- lr\n", "FILE:1: a recipe has the keys name,"},
		{"list of purposes", "name: mine\npurpose: [a, b]\nsettings: {}\n", "FILE:2: purpose [a, b]: must be text"},
		{"data", "name: mine\nsettings:\n  data: photos\n", `FILE:3: data "photos": no setting of a recipe: a recipe is for any data: give --data`},
		{"another recipe", "name: mine\nsettings:\n  recipe: paper\n", "FILE:3: recipe \"paper\": no setting of a recipe"},
		{"architecture", "name: mine\nsettings:\n  arch: mobilenet_v2\n", "give --arch"},
		{"not YAML", "name: [mine\n", "FILE:1: not valid YAML"},
		{"binary data", "name: mine\x00", "holds binary data"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "mine.yaml")
			if err := os.WriteFile(file, []byte(c.file), 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := Sources{Data: "photos", Recipe: file}.Config()
			if want := strings.ReplaceAll(c.want, "FILE", file); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v\nwant  %s", err, want)
			}
		})
	}
	for _, missing := range []string{"none.yaml", "./none", t.TempDir() + "/"} {
		if _, err := (Sources{Recipe: missing}).Config(); err == nil || !strings.Contains(err.Error(), "recipe") {
			t.Errorf("%s: %v", missing, err)
		}
	}
}

// TestOwnRecipe: a run with a user's recipe records its name and file, and can be repeated without the file.
func TestOwnRecipe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(file, []byte("name: tiny\nsettings:\n  lr: 0.3\n  width: 0.25\n  warmup_epochs: auto\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c, err := Sources{Data: "photos", Recipe: file}.Config()
	if err != nil || c.LR != 0.3 || c.Model.Width != 0.25 || c.Recipe != "tiny ("+file+")" || c.WarmupEpochs != -1 {
		t.Fatalf("recipe %q, lr %v, width %v, %v", c.Recipe, c.LR, c.Model.Width, err)
	}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	text, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	again, err := Load(writeFile(t, string(text)))
	if err != nil || again.LR != 0.3 || again.Recipe != c.Recipe || again.Validate() != nil {
		t.Errorf("recipe %q, lr %v, %v", again.Recipe, again.LR, err)
	}
}

// TestPretrainedWidth: the width is that of the weights, whatever the recipe says.
func TestPretrainedWidth(t *testing.T) {
	c, err := Sources{Data: "photos", Recipe: "quick", Init: "w.safetensors"}.Config()
	if err != nil || c.Model.Width != 1 || c.Model.Resolution != 128 {
		t.Errorf("width %v, resolution %d, %v", c.Model.Width, c.Model.Resolution, err)
	}
}

func FuzzRecipe(f *testing.F) {
	for _, name := range recipeFileNames() {
		text, err := recipeFiles.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		r, err := parseRecipe("recipe.yaml", file)
		if err != nil {
			return
		}
		if _, err := r.Settings(); err != nil {
			t.Errorf("a recipe that was read cannot be applied: %v", err)
		}
	})
}
