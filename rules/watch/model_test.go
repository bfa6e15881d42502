package watch

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ipvsadm/ipvs"
)

func newModel() *Model { return NewModel(labels(), time.Second) }

// see expects a screen to show what a pattern says.
func see(t *testing.T, screen, pattern string) {
	t.Helper()
	if !regexp.MustCompile(`(?m)` + pattern).MatchString(screen) {
		t.Errorf("the screen does not show %q:\n%s", pattern, screen)
	}
}

func miss(t *testing.T, screen, pattern string) {
	t.Helper()
	if regexp.MustCompile(`(?m)` + pattern).MatchString(screen) {
		t.Errorf("the screen shows %q:\n%s", pattern, screen)
	}
}

// press presses the characters of text as keys.
func press(m *Model, text string) {
	for _, r := range text {
		m.Press(Key(r))
	}
}

func TestRatesAreDifferencesOfCounters(t *testing.T) {
	w, m := newWorld(2, 2), newModel()
	w.table[1].Destinations[1].Stats.CPS = 17 // the kernel's estimate
	w.carry(0, 0, 1<<40)                      // long ago
	s := w.show(m, 0, 80, 24)
	see(t, s, `^  192.168.1.1:8080 +1 +0 +0 +0 +0 +0 +0 +0$`)
	see(t, s, `^  192.168.2.2:8080 +1 +0 +0 +17 `)
	w.carry(0, 0, 500)
	w.carry(1, 1, 1)
	w.table[0].Destinations[0].Active, w.table[0].Destinations[0].Inactive = 123, 456789
	s = w.show(m, 10, 80, 24)
	see(t, s, `^- TCP  10.0.0.1:80 rr +2/2 +123 +457K +50 +500 +1000 +50000 +2.5M +█$`)
	see(t, s, `^  192.168.1.1:8080 +1 +123 +457K +50 +500 +1000 +50000 +2.5M +█$`)
	see(t, s, `^  192.168.1.2:8080 +1 +0 +0 +0 +0 +0 +0 +0$`)
	see(t, s, `^  192.168.2.2:8080 +1 +0 +0 +0.1 +1 +2 +100 +5000 +█▁$`)
	see(t, s, `^2 services; 4 servers; 50 conns/s, bytes/s 50100 in, 2.5M out$`)
	see(t, screenText(m, 61, 24), `^2 services; 4 servers; 50 conns/s, bytes/s 50100 in, 2.5M out$`)
	see(t, screenText(m, 60, 24), `^2 services; 4 servers; 50 conns/s$`)
	see(t, screenText(m, 32, 24), `^2 services; 4 servers$`)
}

func TestCountersThatWereResetCountFromZero(t *testing.T) {
	w, m := newWorld(1, 1), newModel()
	w.carry(0, 0, 1000)
	w.show(m, 0, 80, 24)
	e := &w.table[0]
	e.Stats, e.Destinations[0].Stats = ipvs.Stats{}, ipvs.Stats{} // -Z
	w.carry(0, 0, 30)
	see(t, w.show(m, 2, 80, 24), `^  192.168.1.1:8080 +1 +0 +0 +15 +150 +300 +15000 +750K`)
	// The clock may stand still or go back.
	w.carry(0, 0, 30)
	see(t, w.show(m, 2, 80, 24), `^  192.168.1.1:8080 +1 +0 +0 +15 +150 `)
	see(t, w.show(m, 1, 80, 24), `^  192.168.1.1:8080 +1 +0 +0 +15 +150 `)
}

func TestHealthOfPools(t *testing.T) {
	w, m := newWorld(4, 3), newModel()
	w.table[0].Destinations[1].Weight = 0
	full := &w.table[1].Destinations[0]
	full.Upper, full.Active, full.Inactive = 10, 6, 4
	w.table[2].Destinations = nil
	for i := range w.table[3].Destinations {
		w.table[3].Destinations[i].Weight = 0
	}
	s := w.show(m, 0, 140, 30)
	see(t, s, `^4 services, 2 unserved; 9 servers, 4 weight 0, 1 overloaded; `)
	see(t, s, `^- TCP  10.0.0.1:80 rr +2/3 .* 1 out`)
	see(t, s, `^0 192.168.1.2:8080 +0 .* weight 0`)
	see(t, s, `^- TCP  10.0.0.2:80 rr +2/3 .* 1 out`)
	see(t, s, `^! 192.168.2.1:8080 +1 +6 +4 .* overloaded`)
	see(t, s, `^- TCP  10.0.0.3:80 rr +none .* no server`)
	see(t, s, `^- TCP  10.0.0.4:80 rr +0/3 .* unserved`)
	styles := map[string]Style{}
	for _, l := range m.View(140, 30, false) {
		styles[strings.Join(strings.Fields(l.Text + " - - -")[:3], " ")] = l.Style
	}
	for name, want := range map[string]Style{
		"- TCP 10.0.0.2:80": Warn, "- TCP 10.0.0.3:80": Bad, "- TCP 10.0.0.4:80": Bad, "0 192.168.1.2:8080 0": Faint,
		"! 192.168.2.1:8080 1": Warn, "service / server": Title, "- TCP 10.0.0.1:80": Chosen,
	} {
		if got, ok := styles[name]; !ok || got != want {
			t.Errorf("%s has style %d, %t, want %d", name, got, ok, want)
		}
	}
	// It ends below three quarters, which are 7.5, or below the lower threshold.
	for _, step := range []struct {
		active, lower uint32
		overloaded    bool
	}{{9, 0, true}, {8, 0, true}, {7, 0, false}, {9, 0, false}, {10, 3, true}, {3, 3, true}, {2, 3, false}, {12, 3, true}} {
		full.Active, full.Inactive, full.Lower = step.active, 0, step.lower
		s = w.show(m, 1, 140, 30)
		if strings.Contains(s, "overloaded") != step.overloaded {
			t.Errorf("%d connections, lower threshold %d: overloaded should be %t:\n%s", step.active, step.lower, step.overloaded, s)
		}
	}
}

func TestSortingByAnyColumn(t *testing.T) {
	w, m := newWorld(2, 3), newModel()
	w.show(m, 0, 80, 24)
	for i, d := range w.table[1].Destinations {
		w.carry(1, i, uint64(10*(i+1)))
		w.table[1].Destinations[i].Weight = uint32(100 - i)
		w.table[1].Destinations[i].Active = uint32(i) + d.Active
		w.table[1].Destinations[i].Inactive = uint32(9 - i)
	}
	w.show(m, 1, 80, 24)
	up, down := []int{1, 2, 3}, []int{3, 2, 1}
	for c, want := range map[column][]int{
		byName: up, byWeight: up, byMetric + column(active): down, byMetric + column(inactive): up, byMetric + column(conns): down,
		byMetric + column(inPkts): down, byMetric + column(outPkts): down, byMetric + column(inBytes): down, byMetric + column(outBytes): down,
	} {
		for m.sortBy != c {
			m.Press('>')
		}
		for range 2 {
			var servers []int
			for _, r := range m.rows {
				if r.isServer() && r.service == w.table[1].ServiceKey {
					a := r.server.Addr().As4()
					servers = append(servers, int(a[3]))
				}
			}
			first := m.rows[0].service == w.table[0].ServiceKey
			if !slices.Equal(servers, want) {
				t.Errorf("by %v, reversed %t: servers %v, want %v", c, m.reverse, servers, want)
			}
			if byTraffic := c >= byMetric; first == (byTraffic != m.reverse) && c != byWeight {
				t.Errorf("by %v, reversed %t: the wrong service is first", c, m.reverse)
			}
			m.Press('r')
			want = slices.Clone(want)
			slices.Reverse(want)
		}
	}
	press(m, "r")
	for range int(numColumns) + 1 {
		m.Press(Left)
	}
	if m.reverse {
		t.Error("another column is still reversed")
	}
}

func TestFilter(t *testing.T) {
	w, m := newWorld(3, 3), newModel()
	w.table[2].ServiceKey = ipvs.ServiceKey{Family: ipvs.IPv4, FWMark: 77}
	w.show(m, 0, 80, 24)
	press(m, "/8.2.3")
	s := screenText(m, 80, 24)
	see(t, s, `only what contains: 8.2.3_`)
	see(t, s, `^- TCP  10.0.0.2:80 rr`)
	see(t, s, `^  192.168.2.3:8080`)
	miss(t, s, `192.168.2.1:|10.0.0.1:`)
	m.Press(Enter)
	see(t, screenText(m, 80, 24), `only "8.2.3"(?s:.*)^q quit`)
	press(m, "/")
	for range 9 {
		m.Press(Backspace)
	}
	press(m, "fwm  7é")
	see(t, screenText(m, 80, 24), `^nothing is called that`)
	m.Press(Backspace)
	s = screenText(m, 80, 24)
	see(t, s, `^- FWM  77 rr(?s:.*)192.168.3.1:8080(?s:.*)192.168.3.3:8080`)
	miss(t, s, `TCP`)
	m.Press(Escape)
	see(t, screenText(m, 80, 24), `^- TCP  10.0.0.1:80 rr`)
	press(m, "/q") // is typed
	if m.Done() {
		t.Error("q ends the view while it is typed")
	}
	m.Press(Interrupt)
	if !m.Done() {
		t.Error("Ctrl-C does not end the view")
	}
}

func TestFolding(t *testing.T) {
	w, m := newWorld(3, 3), newModel()
	w.show(m, 0, 80, 24)
	m.Press(Down)
	m.Press(Down) // a server of the first
	press(m, " ")
	s := screenText(m, 80, 24)
	see(t, s, `^\+ TCP  10.0.0.1:80 rr +3/3`)
	miss(t, s, `192.168.1.`)
	see(t, s, `192.168.2.1`)
	if m.cursor != 0 {
		t.Errorf("the cursor is on row %d", m.cursor)
	}
	press(m, " ")
	see(t, screenText(m, 80, 24), `192.168.1.2`)
	press(m, "jjjjjc") // on a server of the second, then all
	s = screenText(m, 80, 24)
	see(t, s, `^\+ TCP  10.0.0.1(?s:.*)^\+ TCP  10.0.0.2(?s:.*)^\+ TCP  10.0.0.3`)
	miss(t, s, `192.168`)
	if m.cursor != 1 {
		t.Errorf("the cursor is on row %d", m.cursor)
	}
	press(m, "c")
	if len(m.rows) != 12 {
		t.Errorf("%d rows", len(m.rows))
	}
}

func TestScrolling(t *testing.T) {
	w, m := newWorld(40, 250), newModel()
	w.show(m, 0, 80, 24)
	const page = 24 - headLines - 1
	for _, step := range []struct {
		key         Key
		cursor, top int
	}{
		{Up, 0, 0}, {Down, 1, 0}, {PageDown, page + 1, page}, {'k', page, page}, {Up, page - 1, page - 1}, {End, 10039, 10040 - page},
		{Down, 10039, 10040 - page}, {PageUp, 10039 - page, 10040 - 2*page}, {'j', 10040 - page, 10040 - 2*page + 0}, {Home, 0, 0}, {PageUp, 0, 0},
	} {
		m.Press(step.key)
		m.View(80, 24, false)
		if step.key == 'j' {
			step.top = m.top // within the page or one further
		}
		if m.cursor != step.cursor || m.top != step.top {
			t.Fatalf("after key %d: row %d, first on the screen %d, want %d, %d", step.key, m.cursor, m.top, step.cursor, step.top)
		}
	}
	m.Press(End)
	see(t, screenText(m, 80, 24), `rows 10022-10040 of 10040(?s:.*)^  192.168.40.250:8080`)
	see(t, screenText(m, 200, 60), `rows 9986-10040 of 10040(?s:.*)^  192.168.40.250:8080`)
	press(m, "/10.0.0.7:")
	see(t, screenText(m, 80, 24), `rows [0-9]+-[0-9]+ of 251`)
}

func TestTheTableChangesUnderTheView(t *testing.T) {
	w, m := newWorld(3, 3), newModel()
	w.show(m, 0, 80, 24)
	press(m, "jjjjjj") // 192.168.2.2
	chosen := func() string { return m.rows[m.cursor].name }
	w.table = append(newWorld(1, 1).table[:0:0], w.table[1:]...) // the first goes
	if w.show(m, 1, 80, 24); chosen() != "192.168.2.2:8080" {
		t.Errorf("the cursor is on %s", chosen())
	}
	w.table[0].Destinations = w.table[0].Destinations[:1] // its server goes
	if w.show(m, 2, 80, 24); chosen() == "192.168.2.2:8080" {
		t.Error("the cursor is on a server that is gone")
	}
	w.table = nil
	s := w.show(m, 3, 80, 24)
	see(t, s, `^the table is empty`)
	see(t, s, `^0 services; 0 servers;`)
	if len(m.known) > 0 {
		t.Errorf("%d services are left", len(m.known))
	}
	m.Press(Down)
	press(m, " c")
	w.table = newWorld(1, 2).table
	w.err = errors.New("no IPVS")
	see(t, w.show(m, 4, 80, 24), `^cannot read the table: no IPVS \(trying again\)`)
	w.err = nil
	s = w.show(m, 5, 80, 24)
	see(t, s, `^- TCP  10.0.0.1:80 rr(?s:.*)192.168.1.2:8080`)
	miss(t, s, `cannot`)
}

func TestFreezing(t *testing.T) {
	m := newModel()
	if m.Frozen() {
		t.Error("frozen from the start")
	}
	press(m, "f")
	if see(t, screenText(m, 80, 24), `FROZEN(?s:.*)^reading the table`); !m.Frozen() {
		t.Error("not frozen")
	}
	if press(m, "f"); m.Frozen() {
		t.Error("still frozen")
	}
}

// A screen of any size is filled, no line is longer than it is wide, and the
// cursor is on it.
func TestScreensOfAnySize(t *testing.T) {
	w, m := newWorld(5, 5), newModel()
	w.table[1].Destinations[2].Addr = netip.MustParseAddrPort("[2001:db8:1234:5678:9abc:def0:1234:5678]:65535")
	w.table[0].Destinations[0].Weight = 2147483647
	for i := range 60 {
		w.carry(0, 0, uint64(i)<<50)
		w.show(m, i, 80, 24)
	}
	for width := 1; width < 260; width++ {
		for _, height := range []int{1, 2, 5, 6, 7, 24, 100} {
			m.cursor = width % len(m.rows)
			lines := m.View(width, height, width%2 == 0)
			chosen := 0
			for _, l := range lines {
				if n := len([]rune(l.Text)); n > width {
					t.Fatalf("%dx%d: a line of %d characters: %q", width, height, n, l.Text)
				}
				for _, r := range l.Text {
					if width%2 == 0 && r > '~' {
						t.Fatalf("%dx%d: not ASCII: %q", width, height, l.Text)
					}
				}
				if l.Style == Chosen {
					chosen++
				}
			}
			if len(lines) != height || chosen != 1 && height > 1 {
				t.Fatalf("%dx%d: %d lines, %d of them chosen", width, height, len(lines), chosen)
			}
		}
	}
}

func TestOnlyWhatIsShownIsAskedFor(t *testing.T) {
	w, m := newWorld(100, 10), newModel()
	w.show(m, 0, 80, 24)
	w.show(m, 1, 80, 24)
	w.queries = nil
	w.carry(0, 0, 80)
	s := w.show(m, 2, 80, 24)
	see(t, s, `^  192.168.1.1:8080 +1 +0 +0 +40 `)
	if n := len(w.queries); n < 2 || n > 6 || w.queries[0].Detail != ipvs.Basic {
		t.Errorf("asked %d times: %v", n, w.queries)
	}
	m.Press(End)
	screenText(m, 80, 24)
	w.carry(99, 9, 5)
	w.table[99].Destinations[9].Stats.CPS = 3
	s = w.show(m, 3, 80, 24) // what was not followed begins with the kernel's estimate
	see(t, s, `^  192.168.100.10:8080 +1 +0 +0 +3 `)
	w.carry(99, 9, 12)
	see(t, w.show(m, 5, 80, 24), `^  192.168.100.10:8080 +1 +0 +0 +6 `)
	m.Press(Home)
	s = screenText(m, 80, 24) // before the next sample
	see(t, s, `^  192.168.1.1:8080 +1 +0 +0 +- +- +- +- +-`)
	see(t, s, `^- TCP  10.0.0.1:80 rr +10/10 +0 +0 +0 `)
}

// A server that leaves the screen keeps its trend; what was not seen is blank.
func TestTrendsHaveGaps(t *testing.T) {
	w, m := newWorld(100, 10), newModel()
	at := 0
	pass := func(views int, connections uint64) string {
		for range views - 1 {
			w.carry(0, 0, connections)
			w.show(m, at, 200, 24)
			at += 2
		}
		w.carry(0, 0, connections)
		s := w.show(m, at, 200, 24)
		at += 2
		return s
	}
	see(t, pass(10, 8), `^  192.168.1.1:8080 .* █████████$`) // the first has no rate yet
	m.Press(End)
	screenText(m, 200, 24)
	pass(4, 8)
	m.Press(Home)
	screenText(m, 200, 24)
	w.table[0].Destinations[0].Stats.CPS = 4
	see(t, pass(3, 8), `^- TCP  10.0.0.1:80 .* █{16} *$(?s:.*)^  192.168.1.1:8080 .* █████████    ███$`)
	m.Press(End)
	screenText(m, 200, 24)
	pass(60, 8)
	m.Press(Home)
	screenText(m, 200, 24)
	see(t, pass(2, 8), `^- TCP  10.0.0.1:80 .* █{48} *$(?s:.*)^  192.168.1.1:8080 [^█]* ██$`)
	if n := len(m.pools[50].servers[0].trend); n > 1 {
		t.Errorf("of a server that was seldom on the screen %d samples are kept", n)
	}
}

// What does not change costs nothing: neither does a view after a key depend on
// the size of the table, nor is memory made for each server at each sample.
func TestWhatStaysCostsNoMemory(t *testing.T) {
	costs := func(services, servers int) (update, view float64) {
		w, m := newWorld(services, servers), newModel()
		s := Sample{At: time.Now(), Table: w.table, Counted: map[ipvs.ServiceKey]bool{}}
		sample := func() {
			s.At = s.At.Add(time.Second)
			m.Update(s)
		}
		for range 2 * trendSamples { // until the trends are full
			sample()
		}
		update = testing.AllocsPerRun(20, sample)
		view = testing.AllocsPerRun(20, func() {
			m.Press(Down)
			m.View(80, 24, false)
		})
		return update, view
	}
	update, view := costs(20, 5)
	update2, view2 := costs(400, 50)
	if update > 3 || update2 > 3 {
		t.Errorf("a sample makes %v pieces of memory, %v in a table of 20 000 servers", update, update2)
	}
	if view2 > view*1.1+3 {
		t.Errorf("a view makes %v pieces of memory, %v in a table of 20 000 servers", view, view2)
	}
}

func TestShortNumbers(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 0.04: "0.0", 0.25: "0.2", 9.94: "9.9", 9.96: "10", 10.4: "10", 99999: "99999", 99999.6: "100K", 123456: "123K", 999499: "999K",
		999500: "1.0M", 1500000: "1.5M", 99.94e6: "99.9M", 123456789: "123M", 1e9: "1.0G", 18446744073709551615: "18.4E", 999.6e15: "1.0E", 2e21: "2000E",
	} {
		if got := short(v); got != want || len(got) > 5 {
			t.Errorf("%v: got %q, want %q", v, got, want)
		}
	}
}

func TestSparklines(t *testing.T) {
	for _, tt := range []struct {
		values      []float32
		want, ascii string
	}{
		{nil, "", ""}, {[]float32{0, 0}, "  ", "  "}, {[]float32{5}, "█", "#"}, {[]float32{0, 1, 4, 8}, " ▁▄█", " .:#"},
	} {
		if got := sparkline(tt.values, false); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.values, got, tt.want)
		}
		if got := sparkline(tt.values, true); len(got) != len(tt.values) {
			t.Errorf("%v: got %q", tt.values, got)
		}
	}
}

func TestTheTextHasEverything(t *testing.T) {
	w, m := newWorld(2, 30), newModel()
	w.show(m, 0, 80, 24)
	w.carry(0, 3, 2*123456789)
	w.show(m, 1, 80, 24)
	text := strings.Join(m.Text(), "\n")
	see(t, text, `^03:04:01  2 services; 60 servers; 123M conns/s`)
	see(t, text, `^  192.168.1.4:8080 +1 +0 +0 +123M +1.2G +2.5G +123G +6.2T$`)
	see(t, text, `^  192.168.2.30:8080 `)
	m.Exact = true
	see(t, strings.Join(m.Text(), "\n"), `^  192.168.1.4:8080 +1 +0 +0 +123456789 +1234567890 +2469135780 +123456789000 +6172839450000$`)
	if n := len(m.Text()); n != 3+62 {
		t.Errorf("%d lines", n)
	}
}

func TestKeys(t *testing.T) {
	for input, want := range map[string][]Key{
		"q": {'q'}, "jk": {'j', 'k'}, "\x1b[A\x1b[B\x1b[C\x1b[D": {Up, Down, Right, Left}, "\x1bOA\x1bOH": {Up, Home},
		"\x1b[5~\x1b[6~\x1b[1~\x1b[4~\x1b[7~\x1b[8~\x1b[H\x1b[F": {PageUp, PageDown, Home, End, Home, End, Home, End},
		"\r\n": {Enter, Enter}, "\x7f\b": {Backspace, Backspace}, "\x03\x1a\x0c\x01": {Interrupt, Suspend, Redraw, unknownKey},
		"é\xff":       {'é', unknownKey},
		"\x1b[15;5~x": {unknownKey, 'x'}, // F5 with Ctrl
		"\x1bx":       {Escape, 'x'},
		"\x1b":        nil, // it may go on
		"a\x1b[":      {'a'},
		"\x1b[1;":     nil,
		"\xc3":        nil,
		"\x1b\x1b[A":  {Escape, Up},
	} {
		var got []Key
		for rest := []byte(input); ; {
			k, n := decodeKey(rest)
			if n == 0 {
				break
			}
			got, rest = append(got, k), rest[n:]
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: got %v, want %v", input, got, want)
		}
	}
}

// BenchmarkRefresh is a sample, and a screen of it, of 10 000 servers.
func BenchmarkRefresh(b *testing.B) {
	for _, size := range [][2]int{{1, 1000}, {100, 10}, {1000, 1}, {40, 250}, {2000, 10}} {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			w, m := newWorld(size[0], size[1]), newModel()
			w.show(m, 0, 200, 60)
			m.Press('>')
			m.Press('>')
			for i := 0; b.Loop(); i++ {
				w.show(m, i, 200, 60)
			}
		})
	}
}

func TestTheShareOfAPoolFitsItsColumn(t *testing.T) {
	for _, tt := range []struct {
		usable, total int
		want          string
	}{
		{0, 0, "none"}, {0, 3, "0/3"}, {249, 250, "249/250"}, {999, 1000, "-1"}, {1000, 1000, "all"}, {0, 10000, "0/10000"}, {1, 1234567, "-1.2M"},
	} {
		r := row{usable: tt.usable, total: tt.total}
		if got := r.share(); got != tt.want || len(got) >= weightWidth {
			t.Errorf("%d of %d: got %q, want %q", tt.usable, tt.total, got, tt.want)
		}
	}
}
