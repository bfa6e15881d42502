package rules

import "testing"

func TestCountersAreCutAsIpvsadmCutsThem(t *testing.T) {
	tests := []struct {
		n          uint64
		cut, exact string
	}{
		{0, "        0", "        0"},
		{1, "        1", "        1"},
		{99999999, " 99999999", " 99999999"},
		{100000000, "  100000K", " 100000000"},
		{100000999, "  100000K", " 100000999"},
		{999999999, "  999999K", " 999999999"},
		{1000000000, "    1000M", " 1000000000"},
		{1999999999, "    1999M", " 1999999999"},
		{4294967295, "    4294M", " 4294967295"},
		{4294967296, "    4294M", " 4294967296"},
		{99999999999, "   99999M", " 99999999999"},
		{100000000000, "     100G", " 100000000000"},
		{999999999999, "     999G", " 999999999999"},
		{99999999999999, "   99999G", " 99999999999999"},
		{100000000000000, "     100T", " 100000000000000"},
		{18446744073709551615, "18446744T", " 18446744073709551615"},
	}
	for _, tt := range tests {
		if got := string(appendCounter(nil, tt.n, false)); got != tt.cut {
			t.Errorf("%d prints as %q, want %q", tt.n, got, tt.cut)
		}
		if got := string(appendCounter(nil, tt.n, true)); got != tt.exact {
			t.Errorf("%d exact prints as %q, want %q", tt.n, got, tt.exact)
		}
	}
}

func TestColumnsGrowWithWhatTheyHold(t *testing.T) {
	tests := []struct{ got, want string }{
		{string(appendRight([]byte("x"), 7, 3)), "x  7"},
		{string(appendRight(nil, 12345, 3)), "12345"},
		{string(appendRight(nil, 0, 0)), "0"},
		{string(appendLeft([]byte("x"), 7, 3)), "x7   "},
		{string(appendLeft(nil, 12345, 3)), "12345 "},
		{string(appendWord([]byte("x"), "Masq", 7)), "xMasq    "},
		{string(appendWord(nil, "tunnelled", 7)), "tunnelled "},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}
