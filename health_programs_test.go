package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ipvsadm/check"
	"ipvsadm/ipvs/ipvstest"
	"ipvsadm/vrrp"
	"ipvsadm/vrrp/daemon"
)

// stubbornServers is a configuration of n virtual servers, each with a MISC_CHECK
// whose program and its child take no notice of being told to end. The program
// writes their numbers to a file in dir, named by a number from 0.
func stubbornServers(n int, script, dir, user string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `virtual_server 10.1.%d.%d 80 {
	lvs_sched rr
	lvs_method NAT
	protocol TCP
	delay_loop 3600
	real_server 10.2.0.1 80 {
		MISC_CHECK {
			misc_path "%s %s/%d"
			misc_timeout 3600
			user %s
			warmup 0
		}
	}
}
`, i>>8, i&255, script, dir, i, user)
	}
	return b.String()
}

// TestStubbornProgramsEnd has MISC_CHECKs running that take no notice of being told
// to end, when a reload removes some of their servers, and then everything stops.
// Nothing is left of any of them when that has ended: the process ends with it.
func TestStubbornProgramsEnd(t *testing.T) {
	n := times("IPVSADM_STUBBORN", 40)
	dir := t.TempDir()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	script, file := filepath.Join(dir, "stubborn"), filepath.Join(dir, "k.conf")
	write := func(path, text string, mode os.FileMode) {
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write(script, "#!/bin/sh\ntrap '' TERM\nsleep 60 &\necho $! $$ > \"$1.new\"\nmv \"$1.new\" \"$1\"\nwhile :; do sleep 60; done\n", 0o700)
	write(file, stubbornServers(n, script, dir, me.Username), 0o600)

	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	policy := vrrp.ScriptPolicy{UID: uint32(os.Geteuid()), GID: uint32(os.Getegid()), Env: os.Environ()}
	h := newHealth(daemon.Surroundings{Log: log, Policy: func(*daemon.Setup) vrrp.ScriptPolicy { return policy }})
	h.policy = policy
	m := check.NewManager(check.Options{Table: ipvstest.New(ipvstest.Options{}), New: h.checker, Log: log})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	setup := load(t, h, file)
	ended := make(chan error, 1)
	go func() { ended <- m.Run(ctx, *configOf(setup)) }()

	var leaders, children []int
	for i := range n {
		name := filepath.Join(dir, strconv.Itoa(i))
		eventually(t, "a program that runs", func() bool { _, err := os.Stat(name); return err == nil })
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var leader, child int
		if _, err := fmt.Sscan(string(text), &child, &leader); err != nil {
			t.Fatal(err)
		}
		leaders, children = append(leaders, leader), append(children, child)
	}
	write(file, stubbornServers(n/2, script, dir, me.Username), 0o600)
	if err := m.Reload(ctx, *configOf(load(t, h, file))); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	t.Logf("%d programs took %v to end", n, time.Since(began))
	if len(children) != n || len(leaders) != n {
		t.Fatalf("%d programs and %d children ran, of %d", len(leaders), len(children), n)
	}
	left := 0
	for _, pid := range leaders { // which somebody has waited for
		if syscall.Kill(pid, 0) == nil {
			left++
		}
	}
	if left > 0 {
		t.Errorf("of %d programs %d were left", n, left)
	}
	for _, pid := range children {
		eventually(t, "a program's child to end", func() bool {
			stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			return err != nil || strings.Contains(string(stat), ") Z ")
		})
	}
}
