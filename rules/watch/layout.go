package watch

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// layout says how the columns share the width of a screen. Widths include the
// blank before a column; 0 is a column for which there is no room.
type layout struct {
	name, weight int
	metrics      [numMetrics]int
	state, trend int
}

// Widths of columns: the least with which a number of four digits or a letter
// after three fits.
const (
	weightWidth = 8
	metricWidth = 6
	wideMetric  = 9  // on a wide screen
	exactMetric = 16 // for numbers in full
	stateWidth  = 15
	leastName   = 23 // an IPv4 address with its port, and a mark
	fairName    = 30 // both ends of an IPv6 address, with protocol and scheduler
	markWidth   = 2
	leastTrend  = 7
)

// newLayout shares out width. Where there is not enough, first the trends go, then
// names are shortened to what is fair, then the packets go, and then names have
// what is left. What is left over makes columns wider, then says the state in
// words, and then is for the trends.
func newLayout(width, names int) layout {
	names = max(names, leastName)
	l := layout{weight: weightWidth, trend: leastTrend}
	for i := range l.metrics {
		l.metrics[i] = metricWidth
	}
	if width < names+l.sum() {
		l.trend = 0
	}
	if width < min(names, fairName)+l.sum() {
		l.metrics[inPkts], l.metrics[outPkts] = 0, 0
	}
	spare := width - names - l.sum()
	if more := int(numMetrics) * (wideMetric - metricWidth); spare >= more && l.trend > 0 {
		for i := range l.metrics {
			l.metrics[i] = wideMetric
		}
		spare -= more
		if spare >= stateWidth {
			l.state = stateWidth
			spare -= stateWidth
		}
	}
	if l.trend > 0 && spare > 0 {
		l.trend = min(l.trend+spare, trendSamples+1)
	}
	l.name = max(names+min(spare, 0), 0)
	return l
}

// sum is the width of all but the names.
func (l *layout) sum() int {
	sum := l.weight + l.state + l.trend
	for _, w := range l.metrics {
		sum += w
	}
	return sum
}

// nameRoom is what a name has behind its mark.
func (l *layout) nameRoom() int { return l.name - markWidth }

// shorten leaves out the middle of an address in a name that is longer than width.
// The protocol before it and the port and scheduler after it stay, if anything can.
func shorten(name string, width int, ascii bool) string {
	text := []rune(name)
	if len(text) <= width {
		return name
	}
	gap := "…"
	if ascii {
		gap = "~"
	}
	before, after := 0, 0 // characters that are no address
	if port := strings.LastIndexByte(name, ':'); port >= 0 {
		before = utf8.RuneCountInString(name[:strings.LastIndexByte(name[:port], ' ')+1])
		after = utf8.RuneCountInString(name[port:])
	}
	room := width - before - after - 1 // for both sides of the gap
	if room < 0 {
		return name
	}
	return string(text[:before+(room+1)/2]) + gap + string(text[len(text)-after-room/2:])
}

// fit makes text exactly width characters long.
func fit(text string, width int) string {
	n := utf8.RuneCountInString(text)
	if n <= width {
		return text + strings.Repeat(" ", width-n)
	}
	if width <= 0 {
		return ""
	}
	return string([]rune(text)[:width-1]) + "~"
}

// right puts text at the right end of width characters.
func right(text string, width int) string {
	return strings.Repeat(" ", max(width-utf8.RuneCountInString(text), 0)) + text
}

// short writes a number that is not negative in five characters at most: whole
// to 99999, then in thousands of thousands with K, M, G, T, P, E. Below ten it
// has a tenth unless it is whole.
func short(v float64) string {
	if v < 9.95 && v != float64(int(v)) {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	if v < 99999.5 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	for i, unit := range "KMGTPE" {
		v /= 1000
		switch {
		case v < 99.95 && i > 0:
			return strconv.FormatFloat(v, 'f', 1, 64) + string(unit)
		case v < 999.5 || unit == 'E':
			return strconv.FormatFloat(v, 'f', 0, 64) + string(unit)
		}
	}
	panic("watch: no unit left")
}

// exact writes a number in full, with a tenth unless it is whole.
func exact(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }

// sparkline draws values of which the largest is as high as a line.
func sparkline(list []float32, ascii bool) string {
	steps := []rune(" ▁▂▃▄▅▆▇█")
	if ascii {
		steps = []rune(" .,:-=+*#")
	}
	var most float32
	for _, v := range list {
		most = max(most, v)
	}
	line := make([]rune, len(list))
	for i, v := range list {
		level := 0
		if v > 0 {
			level = 1 + int(v/most*float32(len(steps)-2))
		}
		line[i] = steps[min(level, len(steps)-1)]
	}
	return string(line)
}
