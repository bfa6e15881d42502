package sched

import (
	"net/netip"
	"os"
	"strings"
	"testing"
)

// goldenFile has, for each game, the servers that a Linux 6.1 kernel gave the
// connections of the game: a digit each, the number of the server, or a dot for
// none.
const goldenFile = "testdata/kernel.txt"

// golden writes servers in the notation of the golden file.
func (d *director) golden(servers []netip.AddrPort) string {
	var b strings.Builder
	for _, addr := range servers {
		digit := byte('.')
		for n := 1; n <= 9; n++ {
			if addr.IsValid() && d.server(n).Addr() == addr.Addr() {
				digit = '0' + byte(n)
			}
		}
		b.WriteByte(digit)
	}
	return b.String()
}

// TestGamesOfTheKernel plays the games without a kernel.
func TestGamesOfTheKernel(t *testing.T) {
	file, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	kernel := map[string]string{}
	for line := range strings.Lines(string(file)) {
		name, servers, _ := strings.Cut(strings.TrimSpace(line), " ")
		kernel[name] = servers
	}
	if len(kernel) != len(games()) {
		t.Errorf("%d games in %s, want %d", len(kernel), goldenFile, len(games()))
	}
	for _, g := range games() {
		t.Run(g.name, func(t *testing.T) {
			d := g.play(t, nil)
			servers := make([]netip.AddrPort, len(d.flows))
			for i, f := range d.flows {
				servers[i] = d.want[f].server
			}
			got, want := d.golden(servers), kernel[g.name]
			if len(got) < 2000 || len(got) != len(want) {
				t.Fatalf("%d connections, the kernel had %d", len(got), len(want))
			}
			for i := range got {
				if got[i] != want[i] {
					t.Fatalf("connection %d goes to %c, in the kernel to %c: %v", i+1, got[i], want[i], d.want[d.flows[i]].why)
				}
			}
		})
	}
}
