package watch

import (
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
	meters  map[id]*meter
	pools   []pool

	sortBy    column
	reverse   bool
	filter    string
	typing    bool // the filter is being typed
	frozen    bool
	collapsed map[ipvs.ServiceKey]bool
	quit      bool

	rows   []*row // what there is to show: sorted, filtered, folded
	widest int    // the longest name of rows, in characters
	cursor int    // the chosen row
	top    int    // the first row on the screen
	height int    // rows on the screen, when it was last shown
}

// pool is a service with its real servers.
type pool struct {
	row
	servers []row
}

// row is a line of the view: a service or a server.
type row struct {
	id
	*meter
	weight uint32 // of a server
	// usable counts the servers of a service that get new connections, total all.
	usable, total int
}

func (r *row) isServer() bool { return r.server.IsValid() }

// NewModel returns a view of an empty table that is renewed every interval.
func NewModel(labels Labels, interval time.Duration) *Model {
	return &Model{
		labels:    labels,
		interval:  interval,
		meters:    map[id]*meter{},
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
	m.pools = m.pools[:0]
	for i := range s.Table {
		e := &s.Table[i]
		m.pools = append(m.pools, m.pool(e, s.At, s.Counted == nil || s.Counted[e.ServiceKey]))
	}
	for k, meter := range m.meters {
		if meter.lastSeen != m.samples {
			delete(m.meters, k)
		}
	}
	m.arrange()
}

// pool measures a service and its servers.
func (m *Model) pool(e *ipvs.Entry, at time.Time, counted bool) pool {
	p := pool{row: row{id: id{service: e.ServiceKey}}, servers: make([]row, 0, len(e.Destinations))}
	var nActive, nInactive uint64
	for i := range e.Destinations {
		d := &e.Destinations[i]
		r := row{id: id{e.ServiceKey, d.Addr}, weight: d.Weight}
		r.meter = m.meter(r.id, func() string { return m.labels.Server(d.Addr, e.Protocol) })
		r.connections(uint64(d.Active), uint64(d.Inactive))
		if counted {
			r.upper, r.lower = d.Upper, d.Lower
			r.measure(&d.Stats, at)
		} else {
			r.forgetRates()
		}
		r.overload(uint64(d.Active) + uint64(d.Inactive))
		r.remember()
		nActive, nInactive = nActive+uint64(d.Active), nInactive+uint64(d.Inactive)
		if d.Weight > 0 && !r.overloaded {
			p.usable++
		}
		p.servers = append(p.servers, r)
	}
	p.total = len(p.servers)
	p.meter = m.meter(p.id, nil)
	p.name = m.labels.Service(&e.Service) // its scheduler may have changed
	p.connections(nActive, nInactive)
	p.measure(&e.Stats, at)
	p.remember()
	return p
}

// meter returns the meter of a service or server, a new one if it was not in
// the last sample.
func (m *Model) meter(k id, name func() string) *meter {
	t := m.meters[k]
	if t == nil {
		t = &meter{}
		if name != nil {
			t.name = name()
		}
		m.meters[k] = t
	}
	t.lastSeen = m.samples
	return t
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
