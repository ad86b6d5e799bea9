package datasets

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"depthwise.dev/data"
	"depthwise.dev/data/internal/names"
	"depthwise.dev/data/internal/sys"
)

// LayoutError says that the folders of a data set are not arranged as classes or as train, val and test,
// and how to arrange them.
type LayoutError struct {
	Root   string
	Reason string // and advice
}

// Error says what was found and which folders are expected.
func (e *LayoutError) Error() string {
	return fmt.Sprintf("data: %s: %s", names.Show(e.Root), e.Reason)
}

func layoutError(root, format string, args ...any) error {
	return &LayoutError{Root: root, Reason: fmt.Sprintf(format, args...)}
}

// layout says what the folders of a data set are. A folder is a part by its name, in any case: Training,
// valid, test_set. What decides between a part and a class of that name is what the folder holds: a part
// holds class folders, a class holds images.
type layout struct {
	root   string
	parts  map[names.Split]string // the path of each part's folder. None: root holds the class folders
	flat   map[names.Split]bool   // parts without class folders
	unused []data.Problem         // what is beside the parts
}

// parted reports whether there is train, val or test.
func (l layout) parted() bool { return len(l.parts) > 0 }

// has reports whether there is a part.
func (l layout) has(part names.Split) bool { return l.parts[part] != "" }

// listed are the parts in order.
func (l layout) listed() (parts []names.Split) {
	for _, part := range names.Splits {
		if l.has(part) {
			parts = append(parts, part)
		}
	}
	return parts
}

// folder is a folder of a data set and what it holds.
type folder struct {
	name            string
	part            names.Split
	folders, images bool
}

func quoted(list []folder) string {
	all := make([]string, len(list))
	for i, f := range list {
		all[i] = f.name
	}
	return names.Quote(all)
}

// findLayout inspects the folders in root, and in those of a part where it is not clear that it is one.
func findLayout(root string) (layout, error) {
	l := layout{root: root}
	entries, err := sys.ReadDir(root)
	if sys.IsSystemError(err) {
		return l, err
	}
	if errors.Is(err, syscall.ENOTDIR) {
		return l, layoutError(root, "this is a file; give a folder of images or a CSV file that lists them (.csv, .tsv), or unpack an archive first")
	}
	if errors.Is(err, fs.ErrNotExist) {
		return l, fmt.Errorf("data: %w; give a folder of images, or a CSV file or shards that exist", err)
	}
	if err != nil {
		return l, fmt.Errorf("data: %w", err)
	}
	if own := data.OwnFolder(entries); own == data.OwnRun {
		return l, layoutError(root, "this is the folder of %s; give the folder of the images", own)
	}
	parts, others, err := l.sort(entries)
	if err != nil || len(parts) == 0 {
		return l, err
	}
	holdsClasses := func(f folder) bool { return f.folders }
	if !slices.ContainsFunc(parts, holdsClasses) && slices.ContainsFunc(others, func(f folder) bool { return f.images }) {
		return l, l.classesOrParts(parts, others)
	}
	return l, l.setParts(parts, others)
}

// sort divides the folders into those with the name of a part and others, and looks into them.
func (l *layout) sort(entries []fs.DirEntry) (parts, others []folder, err error) {
	for _, e := range entries {
		kind, err := sys.KindOf(l.root, e)
		if err != nil {
			return nil, nil, err
		}
		path := filepath.Join(l.root, e.Name())
		switch service := names.ServiceFolder(e.Name()); {
		case kind == sys.Dangling && names.SplitOfFolder(e.Name()) != names.NoSplit:
			return nil, nil, layoutError(l.root, "%s is a dangling link; correct or remove it", names.Show(e.Name()))
		case kind == sys.Dangling:
			l.unused = append(l.unused, data.Problem{Path: path, Reason: string(kind)})
		case kind != sys.Folder:
			if data.HasImageExtension(e.Name()) && names.ServiceFile(e.Name()) == "" {
				l.unused = append(l.unused, data.Problem{Path: path, Reason: "an image beside the folders has no class"})
			}
		case service != "":
			l.unused = append(l.unused, data.Problem{Path: path, Reason: service})
		default:
			f := folder{name: e.Name(), part: names.SplitOfFolder(e.Name())}
			if f.part == names.NoSplit {
				others = append(others, f)
			} else {
				parts = append(parts, f)
			}
		}
	}
	if len(parts) == 0 {
		return nil, others, nil
	}
	for _, list := range [][]folder{parts, others} {
		for i := range list {
			if err := list[i].look(l.root); err != nil {
				return nil, nil, err
			}
		}
	}
	return parts, others, nil
}

// look finds out what a folder holds. One that cannot be read counts as empty: its listing names it.
func (f *folder) look(root string) error {
	dir := filepath.Join(root, f.name)
	entries, err := sys.ReadDir(dir)
	if sys.IsSystemError(err) {
		return err
	}
	if data.OwnFolder(entries) != "" {
		return nil
	}
	for _, e := range entries {
		kind, err := sys.KindOf(dir, e)
		if err != nil {
			return err
		}
		f.folders = f.folders || kind == sys.Folder && names.ServiceFolder(e.Name()) == ""
		f.images = f.images || kind == sys.Regular && data.HasImageExtension(e.Name()) && names.ServiceFile(e.Name()) == ""
		if f.folders && f.images {
			return nil
		}
	}
	return nil
}

// classesOrParts judges folders with the name of a part that hold no class folders, beside folders that
// hold images. In a folder that is a part itself they are classes. "train" is one beside two others: a
// vehicle. Images in "test" may be those of a class or without a label, so it is refused.
func (l *layout) classesOrParts(parts, others []folder) error {
	if abs, err := filepath.Abs(l.root); err == nil && names.SplitOfFolder(filepath.Base(abs)) != names.NoSplit {
		return nil
	}
	if len(parts) == 1 && parts[0].part == names.Train && parts[0].images && len(others) > 1 {
		return nil
	}
	return layoutError(l.root, "by its name %s is a part of the data set, but beside %s it may be a class: if it is a class, move all class folders into a new folder %s within %s; if it is not, move it elsewhere",
		quoted(parts), quoted(others), newTrain(parts), names.Show(l.root))
}

// newTrain is a name for the train part that no folder has.
func newTrain(parts []folder) string {
	if slices.ContainsFunc(parts, func(f folder) bool { return f.name == "train" }) {
		return "training"
	}
	return "train"
}

// setParts takes the folders with the name of a part as parts.
func (l *layout) setParts(parts, others []folder) error {
	found := map[names.Split]string{}
	for _, f := range parts {
		if other, again := found[f.part]; again {
			return layoutError(l.root, "both %s and %s are named as the %s part: keep one, and move or rename the other", names.Show(other), names.Show(f.name), f.part)
		}
		found[f.part] = f.name
	}
	classes := slices.DeleteFunc(slices.Clone(others), func(f folder) bool { return !f.images })
	if found[names.Train] == "" && len(classes) > 0 {
		return layoutError(l.root, "%s beside %s is a part of a data set without its train part: move the class folders into a new folder train within %s",
			quoted(classes), quoted(parts), names.Show(l.root))
	}
	for _, f := range others {
		l.unused = append(l.unused, data.Problem{Path: filepath.Join(l.root, f.name), Reason: "a folder beside the parts (" + partNames(parts) + "): not used"})
	}
	l.parts, l.flat = map[names.Split]string{}, map[names.Split]bool{}
	for _, f := range parts {
		l.flat[f.part] = !f.folders
	}
	for part, name := range found {
		l.parts[part] = filepath.Join(l.root, name)
	}
	return nil
}

func partNames(parts []folder) string {
	all := make([]string, len(parts))
	for i, f := range parts {
		all[i] = names.Show(f.name)
	}
	return strings.Join(all, ", ")
}
