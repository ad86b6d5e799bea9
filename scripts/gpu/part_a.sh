part_a() { :; }
