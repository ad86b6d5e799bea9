part_d() { :; }
