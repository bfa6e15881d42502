package watch

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Style is how a line of the screen looks.
type Style uint8

// Styles of lines.
const (
	Normal Style = iota
	Title        // the headings of the columns
	Strong       // a service that is well
	Faint        // a server without weight, and what stands aside
	Warn         // something wants looking at
	Bad          // a service that nobody serves, an error
	Chosen       // where the cursor is
)

// Line is a line of the screen.
type Line struct {
	Text  string
	Style Style
}

// headLines are the lines above the rows.
const headLines = 4

// View returns what is on a screen of width columns and height lines, which it
// fills. With ascii no other characters are used.
func (m *Model) View(width, height int, ascii bool) []Line {
	m.height = max(height-headLines-1, 1)
	m.clamp()
	if m.help {
		return helpView(width, height, ascii)
	}
	l := newLayout(width, m.widest)
	above, titles := m.titles(l, ascii)
	lines := []Line{
		{m.heading(), Normal},
		{m.summary(width), Normal},
		{above, Faint},
		{titles, Title},
	}
	for i := m.top; i < min(m.top+m.height, len(m.rows)); i++ {
		line := m.line(m.rows[i], l, short, ascii)
		if i == m.cursor {
			line.Style = Chosen
		}
		lines = append(lines, line)
	}
	if len(m.rows) == 0 {
		lines = append(lines, Line{m.nothing(), Faint})
	}
	for len(lines) < height-1 {
		lines = append(lines, Line{})
	}
	lines = append(lines, m.bottom(l, ascii))
	if over := len(lines) - height; over > 0 { // a tiny window
		lines = lines[over:]
	}
	return fitted(lines, width)
}

// fitted makes lines that fit into width.
func fitted(lines []Line, width int) []Line {
	for i := range lines {
		lines[i].Text = fit(lines[i].Text, width)
		if s := lines[i].Style; s != Title && s != Chosen {
			lines[i].Text = strings.TrimRight(lines[i].Text, " ")
		}
	}
	return lines
}

func (m *Model) heading() string {
	var b strings.Builder
	b.WriteString("ipvsadm")
	if !m.at.IsZero() {
		b.WriteString("  " + m.at.Format("15:04:05"))
	}
	fmt.Fprintf(&b, "  every %v", m.interval)
	if m.frozen {
		b.WriteString("  FROZEN")
	}
	if m.sortBy != byName {
		b.WriteString("  by " + m.sortBy.String())
	}
	if m.reverse {
		b.WriteString(", reversed")
	}
	if m.filter != "" {
		b.WriteString("  only " + strconv.Quote(m.filter))
	}
	if m.samples > 0 && len(m.rows) > m.height {
		fmt.Fprintf(&b, "  rows %d-%d of %d", m.top+1, min(m.top+m.height, len(m.rows)), len(m.rows))
	}
	return b.String()
}

// String names a column as the heading does.
func (c column) String() string {
	return [...]string{
		"name", "weight", "active", "inactive", "connections/s", "packets in/s", "packets out/s", "bytes in/s", "bytes out/s",
	}[c]
}

// summary is the state of all pools at a glance. What does not fit into width is
// left out, for a number cut off would be another number.
func (m *Model) summary(width int) string {
	t := &m.totals
	var b strings.Builder
	b.WriteString(count(len(m.pools), "service"))
	if t.unserved > 0 {
		fmt.Fprintf(&b, ", %d unserved", t.unserved)
	}
	b.WriteString("; " + count(t.servers, "server"))
	if t.weightless > 0 {
		fmt.Fprintf(&b, ", %d weight 0", t.weightless)
	}
	if t.overloaded > 0 {
		fmt.Fprintf(&b, ", %d overloaded", t.overloaded)
	}
	for _, part := range []string{
		"; " + short(t.now[conns]) + " conns/s",
		", bytes/s " + short(t.now[inBytes]) + " in, " + short(t.now[outBytes]) + " out",
	} {
		if b.Len()+len(part) > width {
			break
		}
		b.WriteString(part)
	}
	return b.String()
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// titles are the two lines above the columns.
func (m *Model) titles(l layout, ascii bool) (above, below string) {
	groups := [numMetrics]string{active: "connec", inactive: "tions", conns: "conns", inPkts: "pkts", outPkts: "/s", inBytes: "bytes", outBytes: "/s"}
	names := [numMetrics]string{"active", "inact", "/s", "in", "out", "in", "out"}
	mark := "▼"
	if m.reverse {
		mark = "▲"
	}
	if ascii {
		mark = map[bool]string{false: "v", true: "^"}[m.reverse]
	}
	title := func(c column, text string, width int) string {
		if c == m.sortBy && c != byName {
			return " " + fit(mark+text, width-1)
		}
		return right(text, width)
	}
	var a, b strings.Builder
	a.WriteString(strings.Repeat(" ", l.name+l.weight))
	b.WriteString(fit("  service / server", l.name) + title(byWeight, "weight", l.weight))
	for i, w := range l.metrics {
		if w == 0 {
			continue
		}
		if metric(i) == inactive || metric(i) == outPkts || metric(i) == outBytes {
			a.WriteString(fit(groups[i], w)) // goes on from the column before
		} else {
			a.WriteString(right(groups[i], w))
		}
		name := names[i]
		if w > metricWidth && metric(i) == inactive {
			name = "inactive"
		} else if metric(i) == active && w <= metricWidth {
			name = "act"
		}
		b.WriteString(title(byMetric+column(i), name, w))
	}
	if l.state > 0 {
		b.WriteString(fit("  state", l.state))
	}
	if l.trend > 0 {
		b.WriteString(" " + fit("trend", l.trend-1))
		if l.trend > 20 {
			a.WriteString(strings.Repeat(" ", l.state) + " " + (byMetric + column(m.trendOf())).String())
		}
	}
	return a.String(), b.String()
}

// line shows a row, its numbers written by number.
func (m *Model) line(r *row, l layout, number func(float64) string, ascii bool) Line {
	state, mark, style := r.state(), "  ", Normal
	weight := strconv.FormatUint(uint64(r.weight), 10)
	if len(weight) >= weightWidth {
		weight = short(float64(r.weight))
	}
	switch {
	case !r.isServer():
		mark = "- "
		if m.collapsed[r.service] {
			mark = "+ "
		}
		weight = r.share()
		switch style = Strong; {
		case r.usable == 0:
			style = Bad
		case r.usable < r.total:
			style = Warn
		}
	case r.overloaded:
		mark, style = "! ", Warn
	case r.weight == 0:
		mark, style = "0 ", Faint
	}
	var b strings.Builder
	b.WriteString(fit(mark+shorten(r.name, l.nameRoom(), ascii), l.name) + right(weight, l.weight))
	for i, w := range l.metrics {
		switch {
		case w == 0:
		case metric(i) >= conns && !r.rated:
			b.WriteString(right("-", w))
		default:
			b.WriteString(" " + right(number(r.now[i]), w-1))
		}
	}
	if l.state > 0 {
		b.WriteString(fit("  "+state, l.state))
	}
	if l.trend > 0 {
		b.WriteString(" " + right(sparkline(r.history(m.trendOf(), l.trend-1), ascii), l.trend-1))
	}
	return Line{b.String(), style}
}

// share says how many servers of a service get connections, of how many; where
// that is too long, how many do not.
func (r *row) share() string {
	share := strconv.Itoa(r.usable) + "/" + strconv.Itoa(r.total)
	switch out := r.total - r.usable; {
	case r.total == 0:
		return "none"
	case len(share) < weightWidth:
		return share
	case out == 0:
		return "all"
	default:
		return "-" + short(float64(out))
	}
}

// state says in words how a row is.
func (r *row) state() string {
	switch {
	case r.isServer() && r.overloaded:
		return "overloaded"
	case r.isServer() && r.weight == 0:
		return "weight 0"
	case r.isServer():
		return ""
	case r.total == 0:
		return "no server"
	case r.usable == 0:
		return "unserved"
	case r.usable < r.total:
		return strconv.Itoa(r.total-r.usable) + " out"
	}
	return "ok"
}

// Text returns the whole table in lines of any length: a summary, titles, and a
// line for each service and server.
func (m *Model) Text() []string {
	l := layout{name: max(m.widest, leastName), weight: weightWidth, state: stateWidth}
	width, number := wideMetric, short
	if m.Exact {
		width, number = exactMetric, exact
	}
	for i := range l.metrics {
		l.metrics[i] = width
	}
	above, titles := m.titles(l, true)
	lines := []string{m.at.Format("15:04:05  ") + m.summary(math.MaxInt), above, titles}
	for _, r := range m.rows {
		lines = append(lines, m.line(r, l, number, true).Text)
	}
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return lines
}

// nothing says why there are no rows.
func (m *Model) nothing() string {
	switch {
	case m.samples == 0:
		return "reading the table"
	case m.filter != "":
		return "nothing is called that"
	}
	return "the table is empty"
}

// bottom is the last line: what is typed, what went wrong, the name that the
// chosen row has no room for, or which keys there are.
func (m *Model) bottom(l layout, ascii bool) Line {
	switch {
	case m.typing:
		return Line{"only what contains: " + m.filter + "_   (Enter keeps it, Esc drops it)", Normal}
	case m.trouble != "":
		return Line{"cannot read the table: " + m.trouble + " (trying again)", Bad}
	case m.cursor < len(m.rows):
		if name := m.rows[m.cursor].name; shorten(name, l.nameRoom(), ascii) != name {
			return Line{name + "   h help", Faint}
		}
	}
	return Line{"q quit  h help  / filter  < > sort  r reverse  space fold  c all  f freeze", Faint}
}
