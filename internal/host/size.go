package host

import "fmt"

// Size formats a number of bytes with three digits and a decimal unit, as "1.5 GB".
func Size(bytes float64) string {
	units := []string{"bytes", "kB", "MB", "GB", "TB", "PB", "EB"}
	at := 0
	for bytes >= 999.5 && at < len(units)-1 {
		bytes, at = bytes/1000, at+1
	}
	return fmt.Sprintf("%.3g %s", bytes, units[at])
}
