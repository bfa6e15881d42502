package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"ipvsadm/ipvs"
)

// killName is what -only selects the kills by.
const killName = "kill -9"

// kills is how often each tool is killed.
const kills = 20

// killAll kills both tools while they bring a table of 1000 services to another
// that has nine in ten of them, and prints how many of those are lost.
func (b *bench) killAll(w io.Writer) error {
	old := table(1000, 1)
	changed := strings.ReplaceAll(old, "7:80 ", "7:81 ") // one service in ten
	restoring := work{args: []string{"-R", "--replace"}, restore: true, input: changed}
	for tool := range b.tools {
		program, args := b.command(tool, &restoring)
		if err := b.load(old); err != nil {
			return err
		}
		kept, err := b.keys()
		if err != nil {
			return err
		}
		whole, err := run(program, args, changed)
		if err != nil {
			return err
		}
		after, err := b.keys()
		if err != nil {
			return err
		}
		for k := range kept {
			if !after[k] {
				delete(kept, k)
			}
		}
		lost, err := b.kill(program, args, changed, old, kept, whole)
		if err != nil {
			return err
		}
		slices.Sort(lost)
		fmt.Fprintf(w, "rules lost by kill -9 at %d random moments of %s %s: at most %d of %d, half of the times %d or more\n",
			kills, program, strings.Join(args, " "), lost[len(lost)-1], len(kept), lost[len(lost)/2])
	}
	return nil
}

// kill kills a program at random moments, and returns how many of the services
// to keep were lost each time.
func (b *bench) kill(program string, args []string, input, old string, kept map[ipvs.ServiceKey]bool, whole time.Duration) (lost []int, err error) {
	for range kills {
		if err := b.load(old); err != nil {
			return nil, err
		}
		p, err := start(program, args, input, &syscall.SysProcAttr{Setpgid: true})
		if err != nil {
			return nil, err
		}
		time.Sleep(time.Duration(rand.Int64N(int64(whole))))
		// A script's programs are killed with it.
		if err := syscall.Kill(-p.Pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
			return nil, err
		}
		if _, err := p.Wait(); err != nil {
			return nil, os.NewSyscallError("wait", err)
		}
		left, err := b.keys()
		if err != nil {
			return nil, err
		}
		n := 0
		for k := range kept {
			if !left[k] {
				n++
			}
		}
		lost = append(lost, n)
	}
	return lost, nil
}

// keys returns the services of the kernel's table.
func (b *bench) keys() (map[ipvs.ServiceKey]bool, error) {
	table, err := b.kernel.Table(ipvs.Query{})
	keys := make(map[ipvs.ServiceKey]bool, len(table))
	for i := range table {
		keys[table[i].ServiceKey] = true
	}
	return keys, err
}
