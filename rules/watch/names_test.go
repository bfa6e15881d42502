package watch

import (
	"net/netip"
	"strings"
	"testing"
	"unicode/utf8"
)

// On 80 columns long names lose their middle, not the columns: both ends of the
// address tell it from others, the port stays, and the last line has the whole.
func TestLongNamesKeepTheirEnds(t *testing.T) {
	w, m := newWorld(2, 2), newModel()
	w.table[0].Addr = netip.MustParseAddrPort("[2001:db8:1234:5678:9abc:def0:1234:5678]:65535")
	w.table[0].Destinations[0].Addr = netip.MustParseAddrPort("[2001:db8:1234:5678:9abc:def0:0:a001]:8443")
	w.table[0].Destinations[1].Addr = netip.MustParseAddrPort("[2001:db8:1234:5678:9abc:def0:0:a002]:8443")
	s := w.show(m, 0, 80, 24)
	see(t, s, `^- TCP  \[2001:d…:5678\]:65535 rr     2/2     0     0     0     0     0     0     0$`)
	see(t, s, `^  \[2001:db8:1…ef0:0:a001\]:8443       1 `)
	see(t, s, `^  \[2001:db8:1…ef0:0:a002\]:8443       1 `)
	see(t, s, `^  192.168.2.1:8080                   1 `)
	see(t, s, `^TCP  \[2001:db8:1234:5678:9abc:def0:1234:5678\]:65535 rr   h help$`)
	m.Press(Down)
	see(t, screenText(m, 80, 24), `^\[2001:db8:1234:5678:9abc:def0:0:a001\]:8443   h help$`)
	m.Press(End)
	see(t, screenText(m, 80, 24), `^q quit `)
	see(t, screenText(m, 130, 24), `^- TCP  \[2001:db8:1234:5678:9abc:def0:1234:5678\]:65535 rr `)
	for _, l := range m.View(80, 24, true) {
		if strings.Contains(l.Text, "a002") && !strings.HasPrefix(l.Text, "  [2001:db8:1~ef0:0:a002]:8443 ") {
			t.Errorf("in ASCII: %q", l.Text)
		}
	}
	see(t, screenText(m, 60, 24), `^  \[2001:d…0:a001\]:8443       1     0     0     0     0     0$`) // the packets go
}

func TestShorten(t *testing.T) {
	for _, tt := range []struct {
		name  string
		width int
		want  string
	}{
		{"10.0.0.1:80", 11, "10.0.0.1:80"},
		{"10.0.0.1:80", 10, "10.…0.1:80"},
		{"[2001:db8::1]:80", 12, "[200…::1]:80"},
		{"web.example.com:https", 16, "web.e….com:https"},
		{"web.example.com:https", 7, "…:https"},
		{"web.example.com:https", 6, "web.example.com:https"}, // fit cuts it at the end
		{"TCP  [2001:db8::1]:80 wlc", 20, "TCP  [200…:1]:80 wlc"},
		{"TCP  [2001:db8::1]:80 wlc", 12, "TCP  [2001:db8::1]:80 wlc"},
		{"FWM  4294967295 wlc", 12, "FWM  4…5 wlc"},
		{"grüße.example:80", 10, "grü…ple:80"},
	} {
		got := shorten(tt.name, tt.width, false)
		if got != tt.want {
			t.Errorf("%q in %d: got %q, want %q", tt.name, tt.width, got, tt.want)
		}
		if n := utf8.RuneCountInString(got); got != tt.name && n != tt.width {
			t.Errorf("%q has %d characters, want %d", got, n, tt.width)
		}
	}
}

func TestHelpNamesEveryKey(t *testing.T) {
	for _, key := range []Key{'h', '?'} {
		w, m := newWorld(1, 1), newModel()
		w.show(m, 0, 80, 24)
		m.Press(key)
		s := w.show(m, 1, 80, 24) // samples go on
		for _, want := range []string{`^Keys`, `^  PgUp PgDn`, `^  Right Left, > <`, `^  r `, `^  /`, `^  space`, `^  c `, `^  f `, `^  Ctrl-Z`, `^  q, Ctrl-C`, `^any key goes back$`} {
			see(t, s, want)
		}
		miss(t, s, `10\.0\.0\.1`)
		if n := strings.Count(s, "\n"); n != 24 {
			t.Errorf("%d lines", n)
		}
		m.Press('q') // any key, and no more than that
		if see(t, screenText(m, 80, 24), `^- TCP  10.0.0.1:80 rr`); m.Done() {
			t.Error("q left the view, not only the help")
		}
	}
	for width := 1; width < 100; width += 7 {
		for height := 1; height < 30; height++ {
			lines := helpView(width, height, true)
			for _, l := range lines {
				if len(l.Text) > width {
					t.Errorf("%dx%d: %q", width, height, l.Text)
				}
			}
			if len(lines) != height {
				t.Errorf("%dx%d: %d lines", width, height, len(lines))
			}
		}
	}
	for _, l := range helpView(80, 24, false) {
		if strings.HasSuffix(l.Text, "~") {
			t.Errorf("cut off: %q", l.Text)
		}
	}
	m := newModel()
	press(m, "/h?") // is typed
	see(t, screenText(m, 80, 24), `only what contains: h\?_`)
	m.Press(Escape)
	press(m, "h")
	if m.Press(Interrupt); !m.Done() {
		t.Error("Ctrl-C does not end the view")
	}
}
