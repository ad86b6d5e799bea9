package check

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"depthwise.dev/data"
)

// describe fills in the description of the data set.
func (c *checker) describe() {
	r := c.report
	formats := map[data.Format]int{}
	var widths, heights []int32
	for _, s := range c.splits {
		r.Images += s.set.Len()
		r.Splits = append(r.Splits, s.describe())
		for _, e := range s.seen {
			if e.state == unreadable {
				continue
			}
			r.Bytes += e.bytes
			formats[e.format]++
			widths, heights = append(widths, e.width), append(heights, e.height)
			size := [2]int{int(e.width), int(e.height)}
			if r.Smallest[0] == 0 || size[0]*size[1] < r.Smallest[0]*r.Smallest[1] {
				r.Smallest = size
			}
			if size[0]*size[1] > r.Largest[0]*r.Largest[1] {
				r.Largest = size
			}
		}
	}
	for f, n := range formats {
		r.Formats = append(r.Formats, Count{string(f), n})
	}
	slices.SortFunc(r.Formats, func(a, b Count) int { return cmp.Or(b.Images-a.Images, cmp.Compare(a.Name, b.Name)) })
	if len(widths) == 0 {
		return
	}
	slices.Sort(widths)
	slices.Sort(heights)
	r.Median = [2]int{int(widths[len(widths)/2]), int(heights[len(heights)/2])}
	for i := range 3 {
		r.Mean[i] = float64(c.pixels.sum[i]) / float64(c.pixels.pixels) / 255
		r.Std[i] = math.Sqrt(c.pixels.variance(i)) / 255
	}
}

func (s *checkedSplit) describe() SplitReport {
	r := SplitReport{Name: s.name, Images: s.set.Len(), Classes: len(s.set.Classes)}
	for i, n := range s.set.Counts() {
		r.Counts = append(r.Counts, Count{s.set.Classes[i], n})
	}
	held := slices.DeleteFunc(slices.Clone(r.Counts), func(c Count) bool { return c.Images == 0 })
	if len(held) > 0 {
		r.Smallest, r.Largest = slices.MinFunc(held, byImages), slices.MaxFunc(held, byImages)
	}
	return r
}

// spread describes the number of images per class.
func (s SplitReport) spread() string {
	if s.Smallest.Images == s.Largest.Images {
		return fmt.Sprintf("%d in each", s.Largest.Images)
	}
	return fmt.Sprintf("%d (%s) to %d (%s) in each", s.Smallest.Images, data.ShowName(s.Smallest.Name), s.Largest.Images, data.ShowName(s.Largest.Name))
}

func byImages(a, b Count) int { return cmp.Compare(a.Images, b.Images) }

// shownExamples is the number of files of a finding in the text.
const shownExamples = 5

// Text returns the report as text.
func (r *Report) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d images, %.1f MB, checked in %.1f s\n", data.ShowName(r.Root), r.Images, float64(r.Bytes)/1e6, r.Seconds)
	if len(r.Splits) > 0 {
		r.describeImages(&b)
	}
	r.describeFindings(&b)
	return b.String()
}

// describeImages writes what the images are.
func (r *Report) describeImages(b *strings.Builder) {
	for _, s := range r.Splits {
		fmt.Fprintf(b, "  %-8s %d images in %d classes, %s\n", s.Name, s.Images, s.Classes, s.spread())
	}
	var formats []string
	for _, f := range r.Formats {
		formats = append(formats, fmt.Sprintf("%s %d", f.Name, f.Images))
	}
	fmt.Fprintf(b, "  formats  %s\n", strings.Join(formats, ", "))
	fmt.Fprintf(b, "  sizes    %dx%d to %dx%d, median %dx%d\n",
		r.Smallest[0], r.Smallest[1], r.Largest[0], r.Largest[1], r.Median[0], r.Median[1])
	fmt.Fprintf(b, "  pixels   mean %.3f %.3f %.3f, standard deviation %.3f %.3f %.3f\n",
		r.Mean[0], r.Mean[1], r.Mean[2], r.Std[0], r.Std[1], r.Std[2])
}

// describeFindings writes the findings with their first examples.
func (r *Report) describeFindings(b *strings.Builder) {
	for _, f := range r.Findings {
		fmt.Fprintf(b, "%s (%d): %s\n", f.Severity, f.Count, f.Text)
		for i, e := range f.Examples {
			if i == shownExamples {
				fmt.Fprintf(b, "  and %d more (--json lists them)\n", f.Count-i)
				break
			}
			fmt.Fprintf(b, "  %s: %s\n", data.ShowName(e.Path), data.ShowName(e.Reason))
		}
	}
	if len(r.Findings) == 0 {
		b.WriteString("no problems found\n")
	}
}
