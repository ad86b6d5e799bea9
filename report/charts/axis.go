package charts

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// Axis describes an axis. The zero value is linear, with the range of the values.
type Axis struct {
	Label   string // with the unit, such as "images per second"
	Log     bool   // logarithmic; values of 0 and below are not drawn
	Percent bool   // values are fractions of 1, shown as percentages
	Zero    bool   // a linear axis begins at 0 or below
	Whole   bool   // ticks at whole numbers only, such as epochs
	// Robust ends a linear axis below outliers, so that the other values can be told apart. Lines run along its end there, and a
	// note names the largest value.
	Robust bool
	// Min and Max are values that the range contains in any case; both 0: none.
	Min, Max float64
}

// tick is a mark of an axis.
type tick struct {
	value float64
	text  string
}

// scale maps the values of an axis to pixels.
type scale struct {
	log       bool
	low, high float64 // ends of the axis; logarithms if log is set
	from, to  float64 // their pixels
}

// position returns the pixel of a value, and false if it has none.
func (s scale) position(v float64) (float64, bool) {
	if s.log {
		if !(v > 0) {
			return 0, false
		}
		v = math.Log10(v)
	}
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, false
	}
	return s.from + (v-s.low)/(s.high-s.low)*(s.to-s.from), true
}

// span is the range of values.
type span struct{ low, high float64 }

func emptySpan() span { return span{math.Inf(1), math.Inf(-1)} }

func (r *span) add(v float64) {
	if !math.IsNaN(v) && !math.IsInf(v, 0) {
		r.low, r.high = math.Min(r.low, v), math.Max(r.high, v)
	}
}

// scale returns the scale of an axis for values, with room for about as many ticks as given, and the ticks.
func (a Axis) scale(values []float64, from, to float64, count int) (scale, []tick) {
	r := emptySpan()
	if a.Min != 0 || a.Max != 0 {
		values = append([]float64{a.Min, a.Max}, values...)
	}
	limit := a.limit(values)
	for _, v := range values {
		if !a.Log || v > 0 {
			r.add(math.Min(v, limit))
		}
	}
	if a.Log {
		return logScale(r, from, to, count)
	}
	if a.Zero {
		r.add(0)
	}
	return a.linearScale(r, from, to, count)
}

// outlier is how many times the 90th percentile a value has to be for a robust axis to leave it out.
const outlier = 4

// limit is where a robust axis ends, +Inf for any other, and where there are no outliers.
func (a Axis) limit(values []float64) float64 {
	var sorted []float64
	for _, v := range values {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			sorted = append(sorted, v)
		}
	}
	if !a.Robust || a.Log || len(sorted) < 10 {
		return math.Inf(1)
	}
	slices.Sort(sorted)
	usual := sorted[(len(sorted)-1)*9/10]
	if usual <= 0 || sorted[len(sorted)-1] <= outlier*usual {
		return math.Inf(1)
	}
	i, _ := slices.BinarySearch(sorted, 2*usual)
	return sorted[i-1] // the largest value that is not far above
}

func (a Axis) linearScale(r span, from, to float64, count int) (scale, []tick) {
	switch {
	case r.low > r.high:
		r = span{0, 1}
	case r.low == r.high && r.low == 0:
		r.high = 1
	case r.low == r.high:
		margin := math.Abs(r.low) / 2
		if a.Whole {
			margin = 0.5
		}
		r.low, r.high = r.low-margin, r.high+margin
	}
	step := niceStep(r.high-r.low, count)
	if a.Whole {
		step = math.Max(math.Ceil(step), 1)
	}
	s := scale{low: r.low, high: r.high, from: from, to: to}
	if !a.Whole { // epochs end where they end; other axes at a tick
		s.low, s.high = math.Floor(r.low/step+1e-9)*step, math.Ceil(r.high/step-1e-9)*step
	}
	if a.Percent { // no more than all
		s.low, s.high = math.Max(s.low, math.Min(0, r.low)), math.Min(s.high, math.Max(1, r.high))
	}
	var ticks []tick
	for i := math.Ceil(s.low/step - 1e-9); i*step <= s.high+step*1e-9; i++ {
		ticks = append(ticks, tick{i * step, a.format(i*step, step)})
	}
	return s, ticks
}

// niceStep returns 1, 2, 2.5 or 5 times a power of ten that divides a range into at most count steps.
func niceStep(width float64, count int) float64 {
	power := math.Pow(10, math.Floor(math.Log10(width/float64(count))))
	for _, factor := range []float64{1, 2, 2.5, 5} {
		if width/(factor*power) <= float64(count)+1e-9 {
			return factor * power
		}
	}
	return 10 * power
}

// logScale has ticks at powers of ten, also at 2 and 5 times them if there are few, and at every second or third if there are many.
func logScale(r span, from, to float64, count int) (scale, []tick) {
	if r.low > r.high {
		r = span{0.1, 1}
	}
	low, high := math.Floor(math.Log10(r.low)+1e-9), math.Ceil(math.Log10(r.high)-1e-9)
	if low == high {
		high++
	}
	s := scale{log: true, low: low, high: high, from: from, to: to}
	every := math.Ceil((high - low) / float64(count))
	var ticks []tick
	for e := low; e <= high; e++ {
		if math.Mod(e-low, every) != 0 {
			continue
		}
		ticks = append(ticks, tick{math.Pow(10, e), number(math.Pow(10, e))})
		for _, factor := range []float64{2, 5} {
			if high-low <= 2 && e < high {
				ticks = append(ticks, tick{factor * math.Pow(10, e), number(factor * math.Pow(10, e))})
			}
		}
	}
	return s, ticks
}

// format writes the value of a tick with the decimals of the steps.
func (a Axis) format(v, step float64) string {
	unit := ""
	if a.Percent {
		v, step, unit = 100*v, 100*step, "%"
	}
	if v != 0 && (math.Abs(v) < 1e-4 || math.Abs(v) >= 1e7) {
		return number(v) + unit
	}
	decimals := max(0, -int(math.Floor(math.Log10(step)+1e-9)))
	if scaled := step * math.Pow(10, float64(decimals)); math.Abs(scaled-math.Round(scaled)) > 1e-6 {
		decimals++ // 2.5
	}
	if math.Abs(v) < step/2 {
		v = 0 // not -0
	}
	return thousands(strconv.FormatFloat(v, 'f', decimals, 64)) + unit
}

// number formats a value with three significant digits: 0.0123, 1,490, 2.5e-5.
func number(v float64) string {
	if size := math.Abs(v); size >= 1000 && size < 1e7 {
		return thousands(strconv.FormatFloat(v, 'f', 0, 64))
	}
	text := strconv.FormatFloat(v, 'g', 3, 64)
	mantissa, exponent, ok := strings.Cut(text, "e")
	if !ok {
		return text
	}
	if strings.Contains(mantissa, ".") {
		mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
	}
	sign := strings.TrimSuffix(exponent[:1], "+")
	return mantissa + "e" + sign + strings.TrimLeft(exponent[1:], "0")
}

// thousands adds separators to the digits before the decimal point.
func thousands(text string) string {
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	whole, decimals, point := strings.Cut(text, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if point {
		whole += "." + decimals
	}
	return sign + whole
}
