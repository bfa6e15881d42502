package failover

import (
	"time"

	"github.com/vishvananda/netlink"

	"ipvsadm/testdata/lab/uml"
	"ipvsadm/vrrp"
)

const (
	// many is as many instances as an interface can have.
	many = 255
	// cpuTime is over how long the use of the processor is measured.
	cpuTime = 4 * time.Second
	// scaleRounds are enough for figures that hardly vary.
	scaleRounds = 3
	// calm is how long a router takes until it only advertises: the second burst
	// of announcements comes after a second.
	calm = 2500 * time.Millisecond
)

// holding waits until the first host has all addresses of a setup.
func (b *bench) holding(r *router, s setup) error {
	return b.await(r, "it has all addresses", func() bool {
		addrs, _, err := virtual(b.net.hosts[r.host])
		return err == nil && addrs == s.instances
	})
}

// scale measures memory, and the processor time of 255 instances at 10 ms.
func (b *bench) scale() error {
	err := b.inTurns("memory", scaleRounds, func(tool int) error {
		for n, f := range map[int]figure{1: memory1, many: memoryMany} {
			if err := b.memory(tool, setup{instances: n, interval: "1"}, f); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	// 25 500 packets a second are not for the tap to look at.
	b.tap.close()
	err = b.inTurns("255 instances at 10 ms", scaleRounds, b.load)
	if err != nil {
		return err
	}
	b.tap, err = b.net.listen()
	return err
}

// memory measures a router alone: what two processes share counts for each in
// part only.
func (b *bench) memory(tool int, s setup, f figure) error {
	r, err := b.start(tool, 0, s)
	if err != nil {
		return err
	}
	defer r.discard()
	if err := b.holding(r, s); err != nil {
		return err
	}
	time.Sleep(calm)
	mb, err := r.memory()
	b.note(f, tool, mb)
	from, to, e := r.stop()
	if f == memoryMany {
		b.noteTime(stopMany, tool, to.Sub(from))
	}
	if err == nil {
		err = e
	}
	return err
}

// load measures the processor time of a master that a backup listens to.
func (b *bench) load(tool int) error {
	s := setup{instances: many, interval: "0.01"}
	master, err := b.start(tool, 0, s)
	if err != nil {
		return err
	}
	p := &pair{bench: b, routers: [2]*router{master, nil}}
	defer p.end()
	if err := b.holding(master, s); err != nil {
		return err
	}
	backup, err := b.start(tool, 1, s)
	if err != nil {
		return err
	}
	p.routers[1] = backup
	time.Sleep(calm)
	var used [2][2]time.Duration
	var sent [2]uint64
	var at [2]time.Time
	for i := range 2 {
		for host, r := range p.routers {
			if used[i][host], err = r.cpu(); err != nil {
				return err
			}
		}
		if sent[i], err = transmitted(b.net.hosts[0]); err != nil {
			return err
		}
		at[i] = time.Now()
		if i == 0 {
			time.Sleep(cpuTime)
		}
	}
	wall := at[1].Sub(at[0])
	// A machine too busy for them makes fewer of them, for less of the processor.
	b.note(cpuSent, tool, 100*float64(sent[1]-sent[0])/wall.Seconds()/(many*100))
	b.note(cpuMaster, tool, 100*float64(used[1][0]-used[0][0])/float64(wall))
	b.note(cpuBackup, tool, 100*float64(used[1][1]-used[0][1])/float64(wall))
	return nil
}

// transmitted is how many packets a host has sent.
func transmitted(host *uml.NetNS) (n uint64, err error) {
	host.Do(func() {
		var l netlink.Link
		if l, err = netlink.LinkByName("eth0"); err == nil {
			n = l.Attrs().Statistics.TxPackets
		}
	})
	return n, err
}

// virtualMACs measures the stop of 255 instances with interfaces of their own.
func (b *bench) virtualMACs() error {
	return b.inTurns("stop of 255 instances with virtual MAC addresses", scaleRounds, func(tool int) error {
		s := setup{instances: many, interval: "1", vmac: true}
		r, err := b.start(tool, 0, s)
		if err != nil {
			return err
		}
		defer r.discard()
		if err := b.holding(r, s); err != nil {
			return err
		}
		from, to, err := r.stop()
		if err != nil {
			return err
		}
		b.noteTime(stopVMAC, tool, to.Sub(from))
		zeros := map[uint8]bool{}
		for _, h := range b.tap.since(from) {
			if h.priority == vrrp.PriorityStop {
				zeros[h.vrid] = true
			}
		}
		addrs, links, err := virtual(b.net.hosts[0])
		b.note(leftVMAC, tool, float64(addrs+links+many-len(zeros)))
		b.net.clean()
		return err
	})
}

// removeMacvlans removes what a router left behind.
func removeMacvlans(host *uml.NetNS) (err error) {
	host.Do(func() {
		var all []netlink.Link
		if all, err = netlink.LinkList(); err != nil {
			return
		}
		for _, l := range all {
			if l.Type() == "macvlan" && err == nil {
				err = netlink.LinkDel(l)
			}
		}
	})
	return err
}
