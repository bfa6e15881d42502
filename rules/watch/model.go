package watch

import (
	"maps"
	"net/netip"
	"time"

	"ipvsadm/ipvs"
)

// Labels name what is in the table.
type Labels struct {
	Service func(*ipvs.Service) string
	Server  func(netip.AddrPort, ipvs.Protocol) string
}

// Sample is the kernel's table at a time, or the trouble with reading it.
type Sample struct {
	At    time.Time
	Table []ipvs.Entry // in the order to show it
	// Counted says whose servers' counters and thresholds are in the table; nil
	// for all. Those of services are always there.
	Counted map[ipvs.ServiceKey]bool
	Trouble string // why it could not be read, "" if it could
}

// Model is the state of a live view.
type Model struct {
	Exact bool // numbers in full, not in K, M, G, T

	labels   Labels
	interval time.Duration

	at      time.Time // of the last good sample
	trouble string    // of the last sample
	samples uint64
	pools   []*pool // in the order of the table
	known   map[ipvs.ServiceKey]*pool
	totals  totals

	sortBy    column
	reverse   bool
	filter    string
	typing    bool // the filter is being typed
	frozen    bool
	help      bool // the keys are shown in place of the table
	collapsed map[ipvs.ServiceKey]bool
	quit      bool

	rows   []*row // what there is to show: sorted, filtered, folded
	widest int    // the longest name of rows, in characters
	cursor int    // the chosen row
	top    int    // the first row on the screen
	height int    // rows on the screen, when it was last shown
}

// pool is a service with its real servers, from sample to sample.
type pool struct {
	row
	scheduler string
	servers   []row // never changed in place, but for what they measure
	lastSeen  uint64
}

// row is a line of the view: a service or a server.
type row struct {
	id
	name string
	meter
	weight uint32 // of a server
	// usable counts the servers of a service that get new connections, total all.
	usable, total int
}

func (r *row) isServer() bool { return r.server.IsValid() }

// totals are of all pools.
type totals struct {
	servers, unserved, weightless, overloaded int
	now                                       values
}

// NewModel returns a view of an empty table that is renewed every interval.
func NewModel(labels Labels, interval time.Duration) *Model {
	return &Model{
		labels:    labels,
		interval:  interval,
		known:     map[ipvs.ServiceKey]*pool{},
		collapsed: map[ipvs.ServiceKey]bool{},
	}
}

// Update takes a sample. One that failed leaves the last table on the screen.
func (m *Model) Update(s Sample) {
	if m.trouble = s.Trouble; s.Trouble != "" {
		return
	}
	m.at = s.At
	m.samples++
	m.totals = totals{}
	before := m.pools
	m.pools = make([]*pool, len(s.Table))
	same := len(before) == len(m.pools)
	for i := range s.Table {
		e := &s.Table[i]
		p := m.known[e.ServiceKey]
		if p == nil {
			p = &pool{row: row{id: id{service: e.ServiceKey}}}
			m.known[e.ServiceKey] = p
		}
		m.pools[i] = p
		same = same && before[i] == p
		same = m.rename(p, e) && same
		m.measure(p, e, s.Counted == nil || s.Counted[e.ServiceKey])
		m.totals.add(p)
	}
	if !same {
		maps.DeleteFunc(m.known, func(_ ipvs.ServiceKey, p *pool) bool { return p.lastSeen != m.samples })
	}
	if !same || m.sortBy != byName {
		m.arrange()
	}
}

// rename makes the names of a service and its servers those of the table, and
// says whether they were that already.
func (m *Model) rename(p *pool, e *ipvs.Entry) (same bool) {
	same = true
	if p.lastSeen == 0 || p.scheduler != e.Scheduler {
		p.scheduler, p.name = e.Scheduler, m.labels.Service(&e.Service)
		same = false
	}
	p.lastSeen = m.samples
	if p.has(e.Destinations) {
		return same
	}
	known := make(map[netip.AddrPort]*row, len(p.servers))
	for i := range p.servers {
		known[p.servers[i].server] = &p.servers[i]
	}
	p.servers = make([]row, len(e.Destinations))
	for i := range p.servers {
		if addr := e.Destinations[i].Addr; known[addr] != nil {
			p.servers[i] = *known[addr]
		} else {
			p.servers[i] = row{id: id{e.ServiceKey, addr}, name: m.labels.Server(addr, e.Protocol)}
		}
	}
	return false
}

// has says that the servers are these, in this order.
func (p *pool) has(servers []ipvs.DestinationState) bool {
	for i := range min(len(servers), len(p.servers)) {
		if servers[i].Addr != p.servers[i].server {
			return false
		}
	}
	return len(servers) == len(p.servers)
}

// measure measures a service and its servers. Counters of the servers are read
// only if counted.
func (m *Model) measure(p *pool, e *ipvs.Entry, counted bool) {
	var nActive, nInactive uint64
	p.usable, p.total = 0, len(p.servers)
	for i := range p.servers {
		r, d := &p.servers[i], &e.Destinations[i]
		r.weight = d.Weight
		r.connections(uint64(d.Active), uint64(d.Inactive))
		if counted {
			r.upper, r.lower = d.Upper, d.Lower
			r.measure(&d.Stats, m.at)
			r.remember(m.samples)
		} else {
			r.forgetRates()
		}
		r.overload(uint64(d.Active) + uint64(d.Inactive))
		nActive, nInactive = nActive+uint64(d.Active), nInactive+uint64(d.Inactive)
		if d.Weight > 0 && !r.overloaded {
			p.usable++
		}
	}
	p.connections(nActive, nInactive)
	p.meter.measure(&e.Stats, m.at)
	p.remember(m.samples)
}

func (t *totals) add(p *pool) {
	t.servers += p.total
	if p.usable == 0 {
		t.unserved++
	}
	for i := range p.servers {
		if p.servers[i].weight == 0 {
			t.weightless++
		}
		if p.servers[i].overloaded {
			t.overloaded++
		}
	}
	for i, v := range p.now {
		t.now[i] += v
	}
}

// Shown returns the services of which a server is on the screen, or nearly so:
// those whose counters the next sample should have; nil if these are all.
func (m *Model) Shown() map[ipvs.ServiceKey]bool {
	if m.samples == 0 {
		return nil
	}
	shown := map[ipvs.ServiceKey]bool{}
	for i := max(m.top-m.height/4, 0); i < min(m.top+m.height*5/4, len(m.rows)); i++ {
		if r := m.rows[i]; r.isServer() {
			shown[r.service] = true
		}
	}
	if len(shown) == len(m.pools) { // then one read does for all
		return nil
	}
	return shown
}

// Frozen says that the view is to stay as it is.
func (m *Model) Frozen() bool { return m.frozen }

// Done says that the user has had enough.
func (m *Model) Done() bool { return m.quit }
