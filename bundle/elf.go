package bundle

import (
	"debug/elf"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// object is what a bundle needs to know of an ELF file (https://refspecs.linuxfoundation.org/elf/elf.pdf).
type object struct {
	dynamic bool // it needs the dynamic loader
	// searchPath is the offset in the file of the string of DT_RPATH or DT_RUNPATH, the folders in which the loader looks for
	// libraries, and length that of the string; -1 and 0 without one.
	searchPath int64
	length     int
	glibc      version // the newest that it needs
	unused     []span  // symbols for debuggers, which no program reads
}

// span is a part of a file.
type span struct{ begin, end int64 }

// inspect reads the headers of a program or a library.
func inspect(r io.ReaderAt) (object, error) {
	f, err := elf.NewFile(r)
	if err != nil {
		return object{}, err
	}
	o := object{dynamic: f.SectionByType(elf.SHT_DYNAMIC) != nil, searchPath: -1}
	if err := o.findSearchPath(f); err != nil {
		return object{}, err
	}
	if o.glibc, err = newestGlibc(f); err != nil {
		return object{}, err
	}
	for _, s := range f.Sections {
		loaded := s.Flags&elf.SHF_ALLOC != 0
		if !loaded && (s.Type == elf.SHT_SYMTAB || s.Name == ".strtab" || strings.HasPrefix(s.Name, ".debug_")) {
			o.unused = append(o.unused, span{int64(s.Offset), int64(s.Offset + s.FileSize)})
		}
	}
	return o, nil
}

// newestGlibc is the newest version of glibc of which a file needs a symbol, 0.0 if it needs none.
func newestGlibc(f *elf.File) (version, error) {
	newest := version{}
	if f.SectionByType(elf.SHT_GNU_VERNEED) == nil {
		return newest, nil
	}
	needs, err := f.DynamicVersionNeeds()
	for _, need := range needs {
		for _, v := range need.Needs {
			if glibc, ok := parseVersion(v.Dep); ok {
				newest = newest.max(glibc)
			}
		}
	}
	return newest, err
}

// findSearchPath locates the string of the search path in the file. Other names may share the end of a string; a search path
// that does is not replaced but refused.
func (o *object) findSearchPath(f *elf.File) error {
	dynamic, table := f.SectionByType(elf.SHT_DYNAMIC), f.Section(".dynstr")
	if dynamic == nil || table == nil {
		return nil // static
	}
	for _, tag := range []elf.DynTag{elf.DT_RPATH, elf.DT_RUNPATH} {
		offsets, err := f.DynValue(tag)
		if err != nil || len(offsets) == 0 {
			continue
		}
		text, err := f.DynString(tag)
		if err != nil || len(text) == 0 {
			return fmt.Errorf("the value of %v is unreadable", tag)
		}
		if o.searchPath >= 0 {
			return fmt.Errorf("it has both DT_RPATH and DT_RUNPATH")
		}
		begin := offsets[0]
		if sharesString(f, begin, begin+uint64(len(text))) {
			return fmt.Errorf("its search path %q is part of another name", text[0])
		}
		o.searchPath, o.length = int64(table.Offset+begin), len(text[0])
	}
	return nil
}

// sharesString reports whether a name of a library or a symbol lies in the bytes from begin to end of the table of strings.
func sharesString(f *elf.File, begin, end uint64) bool {
	inside := func(offset uint64) bool { return offset > begin && offset <= end }
	for _, tag := range []elf.DynTag{elf.DT_NEEDED, elf.DT_SONAME} {
		offsets, err := f.DynValue(tag)
		if err != nil || slices.ContainsFunc(offsets, inside) {
			return true
		}
	}
	symbols := f.SectionByType(elf.SHT_DYNSYM)
	if symbols == nil {
		return false
	}
	data, err := symbols.Data()
	if err != nil || symbols.Entsize == 0 {
		return true
	}
	for at := uint64(0); at+symbols.Entsize <= uint64(len(data)); at += symbols.Entsize { // each begins with the name's offset
		if inside(uint64(f.ByteOrder.Uint32(data[at:]))) {
			return true
		}
	}
	return false
}

// version is one of glibc, such as 2.34.
type version struct{ major, minor int }

func (v version) max(w version) version {
	if w.major > v.major || w.major == v.major && w.minor > v.minor {
		return w
	}
	return v
}

// String writes the version as glibc does.
func (v version) String() string { return fmt.Sprintf("%d.%d", v.major, v.minor) }

// parseVersion reads a name such as GLIBC_2.34 or GLIBC_2.2.5. Names of other libraries are no versions of glibc.
func parseVersion(name string) (version, bool) {
	text, ok := strings.CutPrefix(name, "GLIBC_")
	if !ok {
		return version{}, false
	}
	parts := strings.Split(text, ".")
	if len(parts) < 2 {
		return version{}, false // GLIBC_PRIVATE
	}
	major, errMajor := strconv.Atoi(parts[0])
	minor, errMinor := strconv.Atoi(parts[1])
	return version{major, minor}, errMajor == nil && errMinor == nil
}
