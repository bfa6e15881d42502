package keepalived

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
)

// manyServers is a configuration of n real servers in virtual servers of 20, each
// with a TCP_CHECK.
func manyServers(n int) string {
	var b strings.Builder
	for i := 0; i < n; i += 20 {
		fmt.Fprintf(&b, "virtual_server 10.1.%d.%d 80 {\n\tdelay_loop 6\n\tlvs_sched rr\n\tlvs_method NAT\n\tprotocol TCP\n", i/20>>8, i/20&255)
		for j := i; j < min(i+20, n); j++ {
			fmt.Fprintf(&b, "\treal_server 10.2.%d.%d 80 {\n\t\tweight 1\n\t\tTCP_CHECK {\n\t\t\tconnect_timeout 3\n\t\t}\n\t}\n", j>>8, j&255)
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// BenchmarkLoad reads large configurations. What it allocates counts as much as
// its time: on a machine whose memory is dear it is its time.
func BenchmarkLoad(b *testing.B) {
	for _, n := range []int{1_000, 5_000, 20_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			text := manyServers(n)
			o := Options{FS: fstest.MapFS{"many.conf": {Data: []byte(text)}}}
			b.ReportAllocs()
			for b.Loop() {
				c, diagnostics := Load(context.Background(), "many.conf", o)
				if c == nil || len(c.Check.Servers) != n/20 {
					b.Fatal(diagnostics)
				}
			}
		})
	}
}
