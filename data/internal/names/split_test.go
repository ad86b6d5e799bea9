package names

import "testing"

func TestSplitOfFolder(t *testing.T) {
	for want, folders := range map[Split][]string{
		Train:   {"train", "Train", "TRAINING", "training_set", "trainset", "train2017", "Train Images", "train-data", "trainval", "train_data_v2"},
		Val:     {"val", "valid", "Validation", "dev", "DevSet", "val_split", "eval"},
		Test:    {"test", "Testing", "test_set", "TestData", "test1"},
		NoSplit: {"", "cat", "trains", "train station", "test tube", "invalid", "devil", "valley", "seg_train", "set", "images", "\xff"},
	} {
		for _, name := range folders {
			if got := SplitOfFolder(name); got != want {
				t.Errorf("%q is %q, want %q", name, got, want)
			}
		}
	}
}

func TestSplitOfShard(t *testing.T) {
	for want, shards := range map[Split][]string{
		Train:   {"train-000000.tar", "train_00.tar", "imagenet1k-train-0001.tar", "Training.tar", "train"},
		Val:     {"val-0.tar", "validation-000.tar", "imagenet1k-validation-07.tar", "dev.tar"},
		Test:    {"test-000.tar", "imagenet_test_1.tar"},
		NoSplit: {"000000.tar", "photos-1.tar", "contest-0.tar", "trains.tar"},
	} {
		for _, name := range shards {
			if got := SplitOfShard(name); got != want {
				t.Errorf("%q is %q, want %q", name, got, want)
			}
		}
	}
}

func TestService(t *testing.T) {
	for _, name := range []string{"__MACOSX", "@eaDir", "@EADIR", ".ipynb_checkpoints", ".Trash-1000", ".git", "lost+found", "$RECYCLE.BIN", "System Volume Information", "__pycache__"} {
		if ServiceFolder(name) == "" {
			t.Errorf("%q is not a service folder", name)
		}
	}
	for _, name := range []string{"cat", "runs", "_", "@home", "lost and found", "macosx"} {
		if reason := ServiceFolder(name); reason != "" {
			t.Errorf("%q is %s", name, reason)
		}
	}
	for name, want := range map[string]bool{"._1.jpg": true, ".1.jpg": true, "1.jpg": false, "_1.jpg": false} {
		if got := ServiceFile(name) != ""; got != want {
			t.Errorf("%q is a service file: %v", name, got)
		}
	}
}
