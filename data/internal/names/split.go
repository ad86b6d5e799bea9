package names

import (
	"slices"
	"strings"
	"unicode"
)

// Split is a part of a data set.
type Split string

// The parts. The name of a folder or shard means NoSplit if it names none of them.
const (
	NoSplit Split = ""
	Train   Split = "train"
	Val     Split = "val"
	Test    Split = "test"
)

// Splits are the parts in the order in which they are listed.
var Splits = []Split{Train, Val, Test}

var splitWords = map[string]Split{
	"train": Train, "training": Train, "trainval": Train,
	"val": Val, "valid": Val, "validation": Val, "dev": Val, "eval": Val, "evaluation": Val,
	"test": Test, "testing": Test, "holdout": Test,
}

// fillers say nothing about the part: training_set, Test Images, trainset.
var fillers = []string{"set", "data", "dataset", "images", "imgs", "split", "folder", "shards", "tars"}

// SplitOfFolder returns the part that the name of a folder means, in any case: "Training", "val",
// "test_set", "train2017", "train_v2". A name with further words, such as "test tube", is none.
func SplitOfFolder(name string) Split {
	words := slices.DeleteFunc(wordsOf(name), func(w string) bool { return len(w) == 1 || slices.Contains(fillers, w) })
	if len(words) != 1 {
		return NoSplit
	}
	if s := splitWords[words[0]]; s != NoSplit {
		return s
	}
	for _, f := range fillers {
		if stem, ok := strings.CutSuffix(words[0], f); ok && splitWords[stem] != NoSplit {
			return splitWords[stem]
		}
	}
	return NoSplit
}

// SplitOfShard returns the part that the name of a shard means by the first word that means one:
// "train-000001.tar", "imagenet1k-validation-07.tar".
func SplitOfShard(name string) Split {
	for _, w := range wordsOf(name) {
		if s := SplitOfFolder(w); s != NoSplit {
			return s
		}
	}
	return NoSplit
}

// wordsOf returns the runs of letters of a name in lower case.
func wordsOf(name string) []string {
	return strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return !unicode.IsLetter(r) })
}
