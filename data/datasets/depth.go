package datasets

import (
	"path/filepath"
	"slices"
	"strings"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/names"
)

// checkDepth returns a [LayoutError] if the class folders of a data set are probably not its classes,
// because they hold only folders. It compares the paths of the images and reads nothing. part is the part
// that the folder is; in train, val and test the classes are those of ImageFolder, whatever they hold.
func checkDepth(d *data.Dataset, part names.Split) error {
	below := below(d)
	if below == nil {
		if part == names.NoSplit {
			return copyOfClasses(d)
		}
		return nil
	}
	if len(below) == 1 {
		if (part == names.Val || part == names.Test) && names.SplitOfShard(below[0].name) == names.NoSplit {
			return nil // images of one class
		}
		return singleFolder(d, part)
	}
	if part != names.NoSplit {
		return nil
	}
	for _, check := range []func(root string, below []class) error{partsBelow, partsByAnyWord, ownNames, sameNames} {
		if err := check(d.Root, below); err != nil {
			return err
		}
	}
	return nil
}

// class is a class folder that holds only folders, in order.
type class struct {
	name    string
	folders []string // with images
}

// below returns the class folders with images and the folders in them, or nil if one holds images
// itself.
func below(d *data.Dataset) (classes []class) {
	if d.Sharded() || d.List != "" {
		return nil
	}
	root := filepath.Join(d.Root, "x") // cleaned, as the paths of samples
	root = strings.TrimSuffix(root, "x")
	for _, s := range d.Samples {
		rel, ok := strings.CutPrefix(s.Path, root)
		if !ok {
			return nil
		}
		parts := strings.SplitN(rel, string(filepath.Separator), 3)
		if len(parts) < 3 {
			return nil
		}
		if n := len(classes); n == 0 || classes[n-1].name != parts[0] {
			classes = append(classes, class{name: parts[0]})
		}
		last := &classes[len(classes)-1]
		if !slices.Contains(last.folders, parts[1]) {
			last.folders = append(last.folders, parts[1])
		}
	}
	return classes
}

// singleFolder judges a data set with one folder: the classes may be the folders further below.
func singleFolder(d *data.Dataset, part names.Split) error {
	at := filepath.Dir(d.Samples[0].Path)
	for _, s := range d.Samples { // the deepest folder that contains all images
		for dir := filepath.Dir(s.Path); at != dir && !strings.HasPrefix(dir, at+string(filepath.Separator)); {
			at = filepath.Dir(at)
		}
	}
	if slices.ContainsFunc(d.Samples, func(s data.Sample) bool { return filepath.Dir(s.Path) == at }) {
		return nil // the folder of one class
	}
	folder := "one folder, "
	if len(d.Classes) > 1 { // the others are empty
		folder = "one folder with images, "
	}
	folder += names.Quote([]string{d.Classes[d.Samples[0].Class]})
	if part == names.NoSplit {
		return layoutError(d.Root, "it holds %s, which holds only folders: the data set is further below; give %s", folder, names.Show(at))
	}
	return layoutError(d.Root, "it holds %s, which holds only folders: move the class folders in %s up into %s",
		folder, names.Show(at), names.Show(d.Root))
}

// partsBelow finds photos/images/train beside photos/labels, and photos/cat/train beside photos/dog/train.
func partsBelow(root string, below []class) error {
	var holders []string
	train := "train" // as the first of them writes it
	for _, c := range below {
		i := slices.IndexFunc(c.folders, func(name string) bool { return names.SplitOfFolder(name) == names.Train })
		if i < 0 {
			continue
		}
		if holders == nil {
			train = c.folders[i]
		}
		holders = append(holders, c.name)
	}
	switch {
	case holders == nil:
		return nil
	case len(holders) == len(below):
		return layoutError(root, "each of its folders (%s) holds the parts of a data set, such as train: the parts belong above the classes: move %s to %s, and so on; for data sets of their own, give one of the folders",
			names.Quote(holders), names.Show(filepath.Join(holders[0], train)), names.Show(filepath.Join(train, holders[0])))
	}
	return layoutError(root, "%s holds the parts of a data set, such as train; give %s", names.Quote(holders), names.Show(filepath.Join(root, holders[0])))
}

// partsByAnyWord finds seg_train beside seg_test.
func partsByAnyWord(root string, below []class) error {
	kinds := map[names.Split]bool{}
	var folders []string
	for _, c := range below {
		folders = append(folders, c.name)
		if kind := names.SplitOfShard(c.name); kind != names.NoSplit {
			kinds[kind] = true
		}
	}
	if len(kinds) < 2 {
		return nil
	}
	return layoutError(root, "its folders (%s) hold only folders and are named as the parts of a data set: rename those with training, validation and test images to train, val and test",
		names.Quote(folders))
}

// ownNames finds photos/a/a, as some archives unpack.
func ownNames(root string, below []class) error {
	for _, c := range below {
		if len(c.folders) == 1 && c.folders[0] == c.name {
			inner := names.Show(filepath.Join(root, c.name, c.name))
			return layoutError(root, "%s holds only a folder of its own name: if the classes are in it, give %s; if it is a class, move its images into %s",
				names.Quote([]string{c.name}), inner, names.Show(filepath.Join(root, c.name)))
		}
	}
	return nil
}

// sameNames finds photos/a/cat and photos/a/dog beside photos/b/cat and photos/b/dog. One common name,
// such as images in tiny-imagenet-200, is none.
func sameNames(root string, below []class) error {
	common := below[0].folders
	var folders []string
	for _, c := range below {
		folders = append(folders, c.name)
		common = slices.DeleteFunc(slices.Clone(common), func(name string) bool {
			return !slices.ContainsFunc(c.folders, func(other string) bool { return names.Key(other) == names.Key(name) })
		})
	}
	if len(common) < 2 {
		return nil
	}
	return layoutError(root, "its folders (%s) hold no image but the same folders (%s), which may be the classes: give one of them, such as %s, or name two of them train and val; if they are the classes, move the images of each out of its folders",
		names.Quote(folders), names.Quote(common), names.Show(filepath.Join(root, folders[0])))
}

// copyOfClasses finds photos/unseen/cat and photos/unseen/dog beside photos/cat and photos/dog.
func copyOfClasses(d *data.Dataset) error {
	classes := make(map[string]bool, len(d.Classes))
	for _, name := range d.Classes {
		classes[names.Key(names.Unescape(name))] = true
	}
	for first := 0; first < d.Len(); {
		last := first
		for last < d.Len() && d.Samples[last].Class == d.Samples[first].Class {
			last++
		}
		// An image of the class folder itself is before those of its folders.
		found := below(&data.Dataset{Root: d.Root, Samples: d.Samples[first:last]})
		first = last
		if len(found) != 1 || len(found[0].folders) < 2 {
			continue
		}
		other := slices.ContainsFunc(found[0].folders, func(name string) bool { return !classes[names.Key(name)] })
		if name := []string{found[0].name}; !other {
			return layoutError(d.Root, "%s holds no image but folders with the names of the classes (%s): if it is a part of the data set, move it elsewhere and the class folders into a folder train; if it is a class, move its images out of its folders",
				names.Quote(name), names.Quote(found[0].folders))
		}
	}
	return nil
}

// Nested returns the class folders of a data set that hold only folders, if all do: as in torchvision
// their images belong to the class.
func Nested(d *data.Dataset) (folders []string) {
	for _, c := range below(d) {
		if len(c.folders) < 2 {
			return nil
		}
		folders = append(folders, c.name)
	}
	return folders
}
