package config

import (
	"strings"
	"testing"
)

// TestSecretsOfTheAddress: the file and the folder of a run have none.
func TestSecretsOfTheAddress(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct{ data, stored, out string }{
		{"https://user:secret@host/photos", "https://xxxxx@host/photos", "runs/photos-1"},
		{"https://user:secret@host/train-{0..9}.tar?sig=secret", "https://xxxxx@host/train-{0..9}.tar?sig=xxxxx", "runs/host-1"},
		{"https://host/photos/train.tar?secret", "https://host/photos/train.tar?xxxxx", "runs/photos-1"},
		{"https://user:sec/ret@host/photos/{a,b}.tar", "https://xxxxx@host/photos/{a,b}.tar", "runs/photos-1"},
		{"s3://bucket/photos/{a,b}.tar?region=eu-west-1", "s3://bucket/photos/{a,b}.tar?region=eu-west-1", "runs/photos-1"},
	} {
		t.Chdir(t.TempDir()) // OutFolder makes the folder
		config := Default()
		config.Data = c.data
		text, err := config.YAML()
		if err != nil || !strings.Contains(string(text), "data: "+c.stored+"\n") && !strings.Contains(string(text), "data: '"+c.stored+"'\n") {
			t.Errorf("%s: %v\n%.200s", c.data, err, text)
		}
		if out, _, err := config.OutFolder(); out != c.out || err != nil {
			t.Errorf("%s: %s, %v; want %s", c.data, out, err, c.out)
		}
	}
}
