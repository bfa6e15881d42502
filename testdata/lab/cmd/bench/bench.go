package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"time"

	"github.com/olekukonko/tablewriter"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"ipvsadm/ipvs"
)

// bench is what the measurements share.
type bench struct {
	tools   [2]string // ours, the reference
	nothing string    // see command nothing
	rounds  int
	kernel  *ipvs.Client
	results []result
}

// result is what was measured of one work.
type result struct {
	work
	wall   [2]time.Duration // medians
	memory [2]int64         // peaks, in KiB
	ratios []float64        // of each round, in order of size
}

func newBench(tools [2]string, rounds int) (*bench, error) {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return nil, err
	}
	addr := &netlink.Addr{IPNet: &net.IPNet{IP: director.Addr().AsSlice(), Mask: net.CIDRMask(32, 32)}}
	if err := netlink.AddrAdd(lo, addr); err != nil {
		return nil, err
	}
	nothing := filepath.Join(filepath.Dir(tools[0]), "nothing")
	kernel, err := ipvs.Open(ipvs.Options{})
	return &bench{tools: tools, nothing: nothing, rounds: rounds, kernel: kernel}, err
}

func (b *bench) close() { b.kernel.Close() }

// measure runs a work with both tools in turns. Who goes first alternates.
func (b *bench) measure(w work) (result, error) {
	if w.prepare != nil {
		if err := w.prepare(b); err != nil {
			return result{}, err
		}
	}
	rounds := b.rounds
	if w.fast {
		rounds *= 5
	}
	r := result{work: w}
	var walls [2][]time.Duration
	for round := -1; round < rounds; round++ {
		var pair [2]time.Duration
		for turn := range 2 {
			tool := (round + 1 + turn) % 2
			if w.before != nil {
				if err := w.before(b); err != nil {
					return r, err
				}
			}
			program, args := b.command(tool, &w)
			var err error
			if pair[tool], err = run(program, args, w.input); err != nil {
				return r, err
			}
		}
		if round < 0 {
			continue // the first round warms caches
		}
		for tool, wall := range pair {
			walls[tool] = append(walls[tool], wall)
		}
		r.ratios = append(r.ratios, pair[0].Seconds()/pair[1].Seconds())
	}
	slices.Sort(r.ratios)
	for tool := range walls {
		slices.Sort(walls[tool])
		r.wall[tool] = median(walls[tool])
	}
	return r, b.measureMemory(&r)
}

// measureMemory adds the peak memory of one more run of each tool.
func (b *bench) measureMemory(r *result) (err error) {
	for tool := range b.tools {
		if r.before != nil {
			if err := r.before(b); err != nil {
				return err
			}
		}
		program, args := b.command(tool, &r.work)
		if r.memory[tool], err = peakMemory(program, args, r.input); err != nil {
			return err
		}
	}
	return nil
}

// median returns the middle of sorted values, the lower one of two.
func median[T any](sorted []T) T { return sorted[(len(sorted)-1)/2] }

// connect makes the kernel's connection table hold n connections, by one
// datagram from each of n ports.
func (b *bench) connect(n int) error {
	if err := b.flush(); err != nil {
		return err
	}
	key := ipvs.ServiceKey{Family: ipvs.IPv4, Protocol: ipvs.UDP, Addr: director}
	rs := ipvs.Destination{Addr: director, Forward: ipvs.Masq, Weight: 1}
	err := errors.Join(b.kernel.Do(
		ipvs.AddService{Service: ipvs.Service{ServiceKey: key, Scheduler: "rr", Netmask: ipvs.HostMask(ipvs.IPv4)}},
		ipvs.AddDestination{Service: key, Destination: rs},
	)...)
	to := &unix.SockaddrInet4{Port: int(director.Port()), Addr: director.Addr().As4()}
	for i := 0; i < n && err == nil; i++ {
		err = datagram(2000+i, to)
	}
	return err
}

// datagram sends an empty datagram from a port. Nobody listens for it, and that
// the kernel says so is no error.
func datagram(port int, to *unix.SockaddrInet4) error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	if err := unix.Bind(s, &unix.SockaddrInet4{Port: port, Addr: to.Addr}); err != nil {
		return err
	}
	if err := unix.Sendto(s, nil, 0, to); err != nil && !errors.Is(err, unix.ECONNREFUSED) {
		return err
	}
	return nil
}

// print shows the results as a table.
func (b *bench) print(w io.Writer) error {
	t := tablewriter.NewWriter(w)
	t.SetAutoFormatHeaders(false)
	t.SetAutoWrapText(false)
	const left, right = tablewriter.ALIGN_LEFT, tablewriter.ALIGN_RIGHT
	t.SetColumnAlignment([]int{left, right, right, right, right, right, left, right, right})
	t.SetHeader([]string{"work", "ours ms", "1.31 ms", "ratio", "least-most", "to reach", "reached", "ours MB", "1.31 MB"})
	for _, r := range b.results {
		ratio, target, reached := median(r.ratios), "", ""
		if r.target > 0 {
			target, reached = fmt.Sprintf("%.2f", r.target), "yes"
			if ratio > r.target {
				reached = "NO"
			}
		}
		t.Append([]string{r.name, milliseconds(r.wall[0]), milliseconds(r.wall[1]), fmt.Sprintf("%.2f", ratio),
			fmt.Sprintf("%.2f-%.2f", r.ratios[0], r.ratios[len(r.ratios)-1]), target, reached,
			megabytes(r.memory[0]), megabytes(r.memory[1])})
	}
	t.Render()
	return nil
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%.1f", d.Seconds()*1000) }
func megabytes(kib int64) string          { return fmt.Sprintf("%.1f", float64(kib)/1024) }
