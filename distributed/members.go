package distributed

// A Member is a rank as the others know it.
type Member struct {
	Rank    int    `json:"rank"`
	Host    string `json:"host"`
	PID     int    `json:"pid"`
	Address string `json:"address,omitempty"` // at which the others connect to it; "": at an interface
}

// Members are the ranks of the group, by rank; none of a nil group.
func (g *Group) Members() []Member {
	if g == nil {
		return nil
	}
	var list []Member
	for _, m := range g.members {
		list = append(list, Member{Rank: m.Rank, Host: m.Host, PID: m.PID, Address: m.Address})
	}
	return list
}
