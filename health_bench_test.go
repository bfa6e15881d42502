package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"ipvsadm/check"
	"ipvsadm/ipvs/ipvstest"
	"ipvsadm/rules/keepalived"
	"ipvsadm/vrrp"
	"ipvsadm/vrrp/daemon"
)

// manyChecks is a configuration of n real servers in virtual servers of 20, each
// with a TCP_CHECK.
func manyChecks(n int) string {
	var b strings.Builder
	for i := 0; i < n; i += 20 {
		fmt.Fprintf(&b, "virtual_server 10.1.%d.%d 80 {\n\tdelay_loop 3600\n\tlvs_sched rr\n\tlvs_method NAT\n\tprotocol TCP\n", i/20>>8, i/20&255)
		for j := i; j < min(i+20, n); j++ {
			fmt.Fprintf(&b, "\treal_server 10.2.%d.%d 80 {\n\t\tTCP_CHECK {\n\t\t}\n\t}\n", j>>8, j&255)
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// begin does what "ipvsadm check" does from its file to the kernel's table, on a
// kernel in memory, and calls f meanwhile.
func begin(b testing.TB, file string, f func(*health, *check.Manager)) {
	b.Helper()
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	h := newHealth(daemon.Surroundings{Log: log, Policy: func(*daemon.Setup) vrrp.ScriptPolicy { return vrrp.ScriptPolicy{} }})
	setup := load(b, h, file)
	ctx, cancel := context.WithCancel(context.Background())
	m := check.NewManager(check.Options{Table: ipvstest.New(ipvstest.Options{}), New: h.checker, Log: log, Started: func() {
		go func() {
			f(h, h.manager)
			cancel()
		}()
	}})
	h.manager = m
	if err := m.Run(ctx, *configOf(setup)); err != nil {
		b.Fatal(err)
	}
}

// load reads a configuration and looks whether it can be run.
func load(b testing.TB, h *health, file string) *daemon.Setup {
	setup, messages := keepalived.LoadSetup(context.Background(), file, daemon.LoadOptions{})
	if setup == nil {
		b.Fatal(messages)
	}
	if err := h.Check(setup); err != nil {
		b.Fatal(err)
	}
	return setup
}

// TestCheckStartMemory bounds what a start allocates, the kernel in memory
// included. Half of the time of a start was memory that nobody needed.
func TestCheckStartMemory(t *testing.T) {
	const reals, most = 10_000, 48 << 20
	file := filepath.Join(t.TempDir(), "k.conf")
	if err := os.WriteFile(file, []byte(manyChecks(reals)), 0o600); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin(t, file, func(*health, *check.Manager) {})
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > most {
		t.Errorf("%d real servers took %d bytes to start, more than %d", reals, n, most)
	}
}

// BenchmarkCheckStart is the start of "ipvsadm check" without the kernel's part.
// What it allocates counts as much as its time: fresh memory is dear.
func BenchmarkCheckStart(b *testing.B) {
	file := filepath.Join(b.TempDir(), "k.conf")
	if err := os.WriteFile(file, []byte(manyChecks(10_000)), 0o600); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		begin(b, file, func(*health, *check.Manager) {})
	}
}

// BenchmarkCheckReload is SIGHUP with an unchanged file, without the kernel's part.
func BenchmarkCheckReload(b *testing.B) {
	for _, n := range []int{1_000, 5_000, 20_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			file := filepath.Join(b.TempDir(), "k.conf")
			if err := os.WriteFile(file, []byte(manyChecks(n)), 0o600); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			begin(b, file, func(h *health, m *check.Manager) {
				for b.Loop() {
					if err := h.Reload(context.Background(), load(b, h, file)); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
