package keepalived

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"
)

// bombs are small or large files that would keep a careless reader busy for ever
// or fill its memory.
func bombs() map[string]func() fstest.MapFS {
	one := func(text string) func() fstest.MapFS {
		return func() fstest.MapFS { return fstest.MapFS{"main.conf": {Data: []byte(text)}} }
	}
	many := func(n int, line string) func() fstest.MapFS {
		return func() fstest.MapFS { return fstest.MapFS{"main.conf": {Data: []byte(strings.Repeat(line, n))}} }
	}
	return map[string]func() fstest.MapFS{
		"sequence of billions":              one("~SEQ(A,1,2000000000) x${A}\n"),
		"sequence of sequences":             one("~SEQ(A,1,60000) ~SEQ(B,1,60000) ~SEQ(C,1,60000) ~SEQ(D,1,60000) router_id x${A}${B}${C}${D}\n"),
		"sequence that hands on nothing":    one("~SEQ(A,1,2000000000) ~SEQ(B,1,2000000000)\n"),
		"sequence of conditions":            one("~SEQ(A,1,2000000000) @nobody x\n"),
		"sequence of a long line":           one("~SEQ(A,1,600000) x " + strings.Repeat("y", 60_000) + "\n"),
		"sequence of comments":              one("~SEQ(A,1,2000000000) $B=${A}\n"),
		"sequence of includes":              one("~SEQ(A,1,2000000000) include /nothing/*\n"),
		"definition by itself":              one("$A=x$A\n$A\n"),
		"definition by itself, shrinking":   one("$A=$A\n$A\n"),
		"definitions by each other":         one("$A=${B}${B}\n$B=${A}${A}\n${A}\n"),
		"definitions that double":           one(doubling(40) + "router_id ${A40}\n"),
		"definitions that double, by lines": one(doublingLines(40) + "$A40\n"),
		"definition in a sequence":          one("$T=" + strings.Repeat("t", 60_000) + "\n~SEQ(A,1,600000) x ${T}\n"),
		"includes itself":                   one("include main.conf\n"),
		"includes itself twice":             one("include main.conf\ninclude ./main.conf\n"),
		"braces to include":                 one("include " + strings.Repeat("{a,b}", 40) + "\n"),
		"unclosed braces to include":        one("include " + strings.Repeat("{", 4000) + "\n"),
		"blocks without end":                many(600_000, "x {\n"),
		"blocks on one line":                one(strings.Repeat("x { ", 15_000)),
		"closing without end":               many(4_000_000, "}"),
		"unknown words":                     many(2_000_000, "vrrp_instanze\n"),
		"unknown words, long":               many(5000, strings.Repeat("v", 3000)+"\n"),
		"blank lines":                       many(16_000_000, "\n"),
		"comments":                          many(8_000_000, "#\n"),
		"quotes":                            many(8_000_000, "\"\""),
		"one line of sixteen megabytes":     many(1<<24, "x"),
		"dollars":                           many(500, strings.Repeat("$", 30_000)+"\n"),
		"references to nothing":             many(500, strings.Repeat("${A}", 10_000)+"\n"),
		"backslashes":                       many(1_000_000, "x \\\n"),
		"definition without end":            many(2_000_000, "$A= x \\\n"),
		"a large group":                     one("virtual_server_group G {\n10.0.0.0/8 80\n::/0 80\n}\nvirtual_server group G {\nprotocol TCP\nlvs_sched rr\nlvs_method NAT\nreal_server 10.0.0.1 80 {\n}\n}\n"),
		"many instances":                    one("$I= \\\nvrrp_instance v${A}.${B} { \\\ninterface eth${A} \\\nvirtual_router_id ${B} \\\nvirtual_ipaddress { \\\n10.0.${A}.${B} \\\n} \\\n}\n~SEQ(A,1,255) ~SEQ(B,1,255) $I\n"),
		"many peers":                        many(1, "vrrp_instance V {\ninterface eth0\nvirtual_router_id 1\nunicast_peer {\n"+strings.Repeat("10.0.0.1\n", 300_000)+"}\nvirtual_ipaddress {\n10.0.0.9\n}\n}\n"),
		"many addresses": func() fstest.MapFS {
			return fstest.MapFS{"main.conf": {Data: []byte("vrrp_instance V {\ninterface eth0\nvirtual_router_id 1\nvirtual_ipaddress {\n~SEQ(A,0,255) ~SEQ(B,0,255) 10.0.${A}.${B}\n}\n}\n")}}
		},
		"many scripts to track": one("vrrp_instance V {\ninterface eth0\nvirtual_router_id 1\nvirtual_ipaddress {\n10.0.0.9\n}\ntrack_script {\n~SEQ(A,1,60000) s${A}\n}\n}\n"),
		"many files": func() fstest.MapFS {
			fs := fstest.MapFS{"main.conf": {Data: []byte("include d/*\n")}}
			for i := range 10_000 {
				fs[fmt.Sprintf("d/%d", i)] = &fstest.MapFile{Data: []byte("include d/*\n")}
			}
			return fs
		},
	}
}

func doubling(n int) string {
	b := strings.Builder{}
	b.WriteString("$A0=x\n")
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, "$A%d=${A%d}${A%d}\n", i, i-1, i-1)
	}
	return b.String()
}

func doublingLines(n int) string {
	b := strings.Builder{}
	b.WriteString("$A0= \\\nx \\\ny\n")
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, "$A%d= \\\n$A%d \\\n$A%d\n", i, i-1, i-1)
	}
	return b.String()
}

// The promise is about one second on a machine of today. Tests share theirs with
// others, so they count the time on the processor and allow for some more.
const patience = 4 * time.Second

// spent is the time that this process has used so far.
func spent() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func TestLoadEndsInTimeWhateverItReads(t *testing.T) {
	for name, make := range bombs() {
		t.Run(name, func(t *testing.T) {
			fs := make()
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			start, from := time.Now(), spent()
			c, ds := Load(context.Background(), "main.conf", Options{FS: fs})
			took := spent() - from
			runtime.ReadMemStats(&after)
			grown := (after.TotalAlloc - before.TotalAlloc) >> 20
			t.Logf("%v, on the clock %v, %d MiB allocated, %d messages, last: %v", took, time.Since(start), grown, len(ds), last(ds))
			if took > patience {
				t.Errorf("took %v", took)
			}
			if len(ds) > maxDiagnostics+1 {
				t.Errorf("%d messages, want at most %d", len(ds), maxDiagnostics+1)
			}
			if (c == nil) != (ds.Worst() == Error) {
				t.Errorf("configuration %v with worst %v", c != nil, ds.Worst())
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			if kept := int64(after.HeapAlloc) - int64(before.HeapAlloc); kept > 128<<20 {
				t.Errorf("%d MiB kept", kept>>20)
			}
			runtime.KeepAlive(c)
		})
	}
}

func last(ds Diagnostics) any {
	if len(ds) == 0 {
		return nil
	}
	return ds[len(ds)-1]
}

func TestLoadEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	fs := fstest.MapFS{"main.conf": {Data: []byte("~SEQ(A,1,100000) router_id ${A}\n")}}
	c, ds := Load(ctx, "main.conf", Options{FS: fs})
	if c != nil || !ds.Has(Error, KindLimit) {
		t.Errorf("got %v, want an error because the context ended", ds)
	}
}
