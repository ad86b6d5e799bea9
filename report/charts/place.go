package charts

// box is a rectangle: its upper left and its lower right corner.
type box struct{ from, to point }

// labelDirections are the directions from a point to its label, those below the point first.
var labelDirections = []point{{1, 0.4}, {-1, 0.4}, {0.3, 1}, {-0.3, 1}, {1, -0.4}, {-1, -0.4}}

// placeLabel returns the first position around a point where a label overlaps nothing taken: in all directions, at increasing
// distances. If there is none, it returns the last one.
func placeLabel(at point, width, height float64, inside box, taken []box) box {
	var b box
	for distance := 6.0; distance < 200; distance += 5 {
		for _, direction := range labelDirections {
			from := point{at.x + direction.x*distance, at.y + direction.y*distance - height/2}
			if direction.x < 0 {
				from.x -= width
			}
			b = box{from, point{from.x + width, from.y + height}}
			within := b.from.x >= inside.from.x && b.to.x <= inside.to.x && b.from.y >= inside.from.y && b.to.y <= inside.to.y
			if within && isFree(b, taken) {
				return b
			}
		}
	}
	return b
}

// isFree reports whether a box overlaps none of the taken ones.
func isFree(b box, taken []box) bool {
	for _, t := range taken {
		if b.from.x < t.to.x && t.from.x < b.to.x && b.from.y < t.to.y && t.from.y < b.to.y {
			return false
		}
	}
	return true
}
