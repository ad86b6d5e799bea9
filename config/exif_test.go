package config

import (
	"strings"
	"testing"

	"depthwise.dev/data"
	"depthwise.dev/data/check"
)

// TestUseOrientations is the table of what auto becomes, and of the line that says so.
func TestUseOrientations(t *testing.T) {
	for _, c := range []struct {
		name       string
		setting    EXIF
		train, val check.Orientations
		want       EXIF
		note       string
	}{
		{"none", EXIFAuto, check.Orientations{Checked: 400, Images: 400}, check.Orientations{Checked: 200, Images: 200}, EXIFOff, ""},
		{"some", EXIFAuto, check.Orientations{Oriented: 37, Checked: 400, Images: 400}, check.Orientations{}, EXIFOn,
			"37 of 400 training images have an EXIF orientation, as phones write it: it is applied; --exif=false uses the images as stored"},
		{"all", EXIFAuto, check.Orientations{Oriented: 400, Checked: 400, Images: 400}, check.Orientations{}, EXIFOn,
			"400 of 400 training images have an EXIF orientation, as phones write it: it is applied; --exif=false uses the images as stored"},
		{"of a sample", EXIFAuto, check.Orientations{Oriented: 2, Checked: 512, Images: 50_000}, check.Orientations{}, EXIFOn,
			"2 of 512 training images that were looked at have an EXIF orientation, as phones write it: it is applied; --exif=false uses the images as stored"},
		{"none of a sample", EXIFAuto, check.Orientations{Checked: 512, Images: 50_000}, check.Orientations{}, EXIFOff, ""},
		{"only val", EXIFAuto, check.Orientations{Checked: 400, Images: 400}, check.Orientations{Oriented: 3, Checked: 200, Images: 200}, EXIFOff,
			"3 of 200 validation images have an EXIF orientation and no training image has: it is not applied; --exif applies it"},
		{"remote", EXIFAuto, check.Orientations{Images: 50_000}, check.Orientations{}, EXIFOff,
			"the EXIF orientation is not applied: to look for one would download the images; --exif applies it"},
		{"off", EXIFOff, check.Orientations{Oriented: 37, Checked: 400, Images: 400}, check.Orientations{}, EXIFOff, ""},
		{"on", EXIFOn, check.Orientations{Checked: 400, Images: 400}, check.Orientations{}, EXIFOn, ""},
	} {
		config := Default()
		config.EXIF = c.setting
		if note := config.UseOrientations(c.train, c.val); config.EXIF != c.want || note != c.note {
			t.Errorf("%s: %q, want %q\nnote %q\nwant %q", c.name, config.EXIF, c.want, note, c.note)
		}
	}
}

// TestEXIFSetting: files of any version and every spelling of a boolean are read; true and false are written as booleans.
func TestEXIFSetting(t *testing.T) {
	for text, want := range map[string]EXIF{"exif: true": EXIFOn, "exif: false": EXIFOff, "exif: auto": EXIFAuto, "exif: \"auto\"": EXIFAuto,
		"exif: yes": EXIFOn, "exif: off": EXIFOff, "lr: 1": EXIFAuto} {
		c, err := Load(writeFile(t, text+"\n"))
		if err != nil || c.EXIF != want {
			t.Errorf("%s: %q, %v, want %q", text, c.EXIF, err, want)
		}
		written, err := c.YAML()
		if err != nil || !strings.Contains(string(written), "\nexif: "+string(want)+"\n") {
			t.Errorf("%s: %v, written as\n%s", text, err, written)
		}
	}
	c := valid()
	c.EXIF = "perhaps"
	if err := c.Validate(); err == nil || err.Error() != `exif "perhaps": must be auto, true or false` {
		t.Error(err)
	}
	if err := c.ValidateBatch(1, ""); err == nil {
		t.Error("no error for a batch")
	}
}

// TestTrainOptions: the loaders of bench, check and data stats apply the orientation where training does.
func TestTrainOptions(t *testing.T) {
	turned, upright := "../data/testdata/exif/6.jpg", "../data/testdata/geometry/40x40.jpg"
	for _, c := range []struct {
		setting EXIF
		files   []string
		want    bool
	}{
		{EXIFAuto, []string{upright, turned}, true}, {EXIFAuto, []string{upright}, false}, {EXIFAuto, []string{"gone.jpg"}, false},
		{EXIFOff, []string{turned}, false}, {EXIFOn, []string{upright}, true},
	} {
		config := valid()
		config.EXIF = c.setting
		set := &data.Dataset{Root: "..", Classes: []string{"a"}}
		for _, file := range c.files {
			set.Samples = append(set.Samples, data.Sample{Path: file})
		}
		if o, err := config.TrainOptions(t.Context())(set); err != nil || o.Preprocess.EXIF != c.want || !o.Train {
			t.Errorf("%s of %q: %v, %v", c.setting, c.files, o.Preprocess.EXIF, err)
		}
	}
}
