part_b() { :; }
