package watch

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"

	"ipvsadm/ipvs"
)

// column is a column of the view, in the order of the screen. The first, the
// names, stands for the order of the table.
type column uint8

const (
	byName column = iota
	byWeight
	byMetric   // and the metrics after it
	numColumns = byMetric + column(numMetrics)
)

// trendOf is the metric of the sparklines: the one that the view is sorted by,
// else connections per second.
func (m *Model) trendOf() metric {
	if m.sortBy >= byMetric {
		return metric(m.sortBy - byMetric)
	}
	return conns
}

// arrange makes the rows anew from pools and from what the user chose, and keeps
// the cursor on what it was on; at the top it stays at the top.
func (m *Model) arrange() {
	var chosen id
	if m.cursor > 0 && m.cursor < len(m.rows) {
		chosen = m.rows[m.cursor].id
	}
	m.rows, m.widest = m.rows[:0], 0
	pools := slices.Clone(m.pools)
	order(m, pools, func(p *pool) *row { return &p.row })
	filter := strings.ToLower(m.filter)
	for _, p := range pools {
		m.add(p, filter)
	}
	for _, r := range m.rows {
		m.widest = max(m.widest, utf8.RuneCountInString(r.name)+2)
	}
	if at := slices.IndexFunc(m.rows, func(r *row) bool { return r.id == chosen }); at >= 0 {
		m.cursor = at
	}
	m.clamp()
}

// add adds the rows of a service. If its own name has not what the filter asks
// for, only those servers are shown whose name has, or nothing.
func (m *Model) add(p *pool, filter string) {
	first := len(m.rows)
	m.rows = append(m.rows, &p.row)
	whole := contains(p.name, filter)
	for i := range p.servers {
		if r := &p.servers[i]; whole || contains(r.name, filter) {
			m.rows = append(m.rows, r)
		}
	}
	switch servers := m.rows[first+1:]; {
	case !whole && len(servers) == 0:
		m.rows = m.rows[:first]
	case m.collapsed[p.service]:
		m.rows = m.rows[:first+1]
	default:
		order(m, servers, func(r *row) *row { return r })
	}
}

// contains says that a name has what the filter, in small letters, asks for.
func contains(name, filter string) bool {
	return filter == "" || strings.Contains(strings.ToLower(name), filter)
}

// order sorts by the chosen column, the largest first unless reversed. Equals,
// and everything if no column is chosen, stay in the order of the table.
func order[T any](m *Model, list []T, rowOf func(T) *row) {
	if m.sortBy == byName {
		if m.reverse {
			slices.Reverse(list)
		}
		return
	}
	slices.SortStableFunc(list, func(a, b T) int {
		c := cmp.Compare(rowOf(b).value(m.sortBy), rowOf(a).value(m.sortBy))
		if m.reverse {
			return -c
		}
		return c
	})
}

// value is what a row is sorted by.
func (r *row) value(c column) float64 {
	switch {
	case c >= byMetric:
		return r.now[c-byMetric]
	case r.isServer():
		return float64(r.weight)
	}
	return float64(r.usable)
}

// clamp keeps cursor and window within the rows, and the cursor in the window.
func (m *Model) clamp() {
	m.cursor = max(min(m.cursor, len(m.rows)-1), 0)
	if m.cursor < m.top {
		m.top = m.cursor
	}
	if m.height > 0 && m.cursor >= m.top+m.height {
		m.top = m.cursor - m.height + 1
	}
	m.top = max(min(m.top, len(m.rows)-m.height), 0)
}

// fold hides or shows the servers of the service that the cursor is on.
func (m *Model) fold() {
	if m.cursor >= len(m.rows) {
		return
	}
	k := m.rows[m.cursor].service
	if m.collapsed[k] {
		delete(m.collapsed, k)
	} else {
		m.collapsed[k] = true
		m.cursor = slices.IndexFunc(m.rows, func(r *row) bool { return r.service == k })
	}
	m.arrange()
}

// foldAll hides the servers of all services or, if all are hidden, shows them.
func (m *Model) foldAll() {
	hidden := len(m.collapsed) > 0
	for i := range m.pools {
		hidden = hidden && m.collapsed[m.pools[i].service]
	}
	clear(m.collapsed)
	var at ipvs.ServiceKey
	if m.cursor < len(m.rows) {
		at = m.rows[m.cursor].service
	}
	if !hidden {
		for i := range m.pools {
			m.collapsed[m.pools[i].service] = true
		}
		m.cursor = max(slices.IndexFunc(m.rows, func(r *row) bool { return r.service == at }), 0)
	}
	m.arrange()
}
