package launch

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// maxNodes bounds what a list of Slurm expands to; the largest machines have fewer nodes.
const maxNodes = 1 << 17

// expandHosts returns the hosts of a list in Slurm's short form: "gpu[001-003,7],login1". A name may have several
// brackets.
func expandHosts(list string) ([]string, error) {
	var hosts []string
	for _, part := range splitOutside(list) {
		names, err := expandHost(part)
		if err != nil {
			return nil, err
		}
		if hosts = append(hosts, names...); len(hosts) > maxNodes {
			return nil, fmt.Errorf("more than %d nodes", maxNodes)
		}
	}
	if len(hosts) == 0 {
		return nil, errors.New("it is empty")
	}
	return hosts, nil
}

// splitOutside splits a list at the commas that are not in brackets.
func splitOutside(list string) []string {
	depth := 0
	return strings.FieldsFunc(list, func(r rune) bool {
		switch r {
		case '[':
			depth++
		case ']':
			depth--
		}
		return (r == ',' || r == ' ') && depth == 0
	})
}

// expandHost returns the hosts of one name with brackets.
func expandHost(name string) ([]string, error) {
	prefix, rest, found := strings.Cut(name, "[")
	if !found {
		if strings.Contains(name, "]") {
			return nil, errors.New("] without [")
		}
		return []string{name}, nil
	}
	ranges, suffix, closed := strings.Cut(rest, "]")
	if !closed {
		return nil, errors.New("[ without ]")
	}
	numbers, err := expandNumbers(ranges)
	if err != nil {
		return nil, err
	}
	ends, err := expandHost(suffix)
	if err != nil {
		return nil, err
	}
	if len(numbers)*len(ends) > maxNodes {
		return nil, fmt.Errorf("more than %d nodes", maxNodes)
	}
	var hosts []string
	for _, n := range numbers {
		for _, end := range ends {
			hosts = append(hosts, prefix+n+end)
		}
	}
	return hosts, nil
}

// expandNumbers returns the numbers of "001-003,7", with the zeros before them.
func expandNumbers(ranges string) ([]string, error) {
	var numbers []string
	for part := range strings.SplitSeq(ranges, ",") {
		low, high, isRange := strings.Cut(part, "-")
		if !isRange {
			high = low
		}
		first, err := strconv.ParseUint(low, 10, 31)
		last, err2 := strconv.ParseUint(high, 10, 31)
		if err != nil || err2 != nil || last < first || last-first >= maxNodes || len(numbers) >= maxNodes {
			return nil, fmt.Errorf("%s is no range of numbers", shown(part))
		}
		for n := first; n <= last; n++ {
			numbers = append(numbers, fmt.Sprintf("%0*d", len(low), n))
		}
	}
	return numbers, nil
}

// tasksPerNode returns the numbers of tasks of the nodes from Slurm's short form: "2(x3),1" is 2, 2, 2, 1.
func tasksPerNode(text string) ([]int, error) {
	var counts []int
	for part := range strings.SplitSeq(text, ",") {
		number, times, repeated := strings.Cut(part, "(x")
		repeat := 1
		n, err := strconv.Atoi(number)
		if repeated {
			var err2 error
			closed := strings.HasSuffix(times, ")")
			if repeat, err2 = strconv.Atoi(strings.TrimSuffix(times, ")")); err2 != nil || !closed {
				repeat = 0
			}
		}
		if err != nil || n < 1 || repeat < 1 || len(counts)+repeat > maxNodes {
			return nil, fmt.Errorf("%s is no number of tasks, such as 2(x3)", shown(part))
		}
		for range repeat {
			counts = append(counts, n)
		}
	}
	return counts, nil
}
