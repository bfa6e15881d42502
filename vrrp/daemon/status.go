package daemon

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"ipvsadm/vrrp"
)

// statusReport is the status as JSON has it. Names of counters are RFC 6527's
// where it has one.
type statusReport struct {
	At        time.Time         `json:"at"`
	Instances []instanceReport  `json:"instances"`
	Groups    []groupReport     `json:"groups"`
	Counters  map[string]uint64 `json:"counters"`
	// Check is the Companion's.
	Check json.RawMessage `json:"check,omitempty"`
}

type instanceReport struct {
	Name               string            `json:"name"`
	Group              string            `json:"group,omitempty"`
	State              string            `json:"state"`
	Since              time.Time         `json:"since"`
	Version            int               `json:"version"`
	VRID               int               `json:"vrid"`
	Interface          string            `json:"interface"`
	Source             string            `json:"source,omitempty"`
	Priority           int               `json:"priority"`
	ConfiguredPriority int               `json:"configured_priority"`
	Weight             int               `json:"weight"`
	Tracked            []trackedReport   `json:"tracked"`
	Faults             []string          `json:"faults"`
	Interval           float64           `json:"advert_interval_seconds"`
	MasterInterval     float64           `json:"master_interval_seconds"`
	DownInterval       float64           `json:"down_interval_seconds"`
	Master             string            `json:"master,omitempty"`
	Addresses          []string          `json:"addresses"`
	Held               []string          `json:"held"`
	Destinations       []string          `json:"destinations"`
	Peers              []peerReport      `json:"peers"`
	Counters           map[string]uint64 `json:"counters"`
	Refused            map[string]uint64 `json:"refused"`
}

type trackedReport struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Weight  int    `json:"weight"`
	Reverse bool   `json:"reverse,omitempty"`
	State   string `json:"state"`
}

type peerReport struct {
	Source   string    `json:"source"`
	Priority int       `json:"priority"`
	At       time.Time `json:"at"`
}

type groupReport struct {
	Name      string    `json:"name"`
	State     string    `json:"state"`
	Since     time.Time `json:"since"`
	Instances []string  `json:"instances"`
}

// report turns a status into what is shown.
func report(s vrrp.Status) statusReport {
	r := statusReport{At: s.At, Instances: []instanceReport{}, Groups: []groupReport{}, Counters: map[string]uint64{
		"malformed": s.Counters.Malformed, "unknown_vrid": s.Counters.UnknownVRID,
		"send_errors": s.Counters.SendErrors, "announce_errors": s.Counters.AnnounceErrors, "host_errors": s.Counters.HostErrors,
		"lost_reports": s.Counters.LostReports,
	}}
	for i := range s.Instances {
		r.Instances = append(r.Instances, reportInstance(&s.Instances[i]))
	}
	for _, g := range s.Groups {
		r.Groups = append(r.Groups, groupReport{g.Name, g.State.String(), g.Since, g.Instances})
	}
	return r
}

func reportInstance(s *vrrp.InstanceStatus) instanceReport {
	r := instanceReport{
		Name: s.Name, Group: s.Group, State: s.State.String(), Since: s.Since,
		Version: int(s.Version), VRID: int(s.VRID), Interface: s.WireDevice,
		Priority: int(s.Priority), ConfiguredPriority: int(s.ConfiguredPriority), Weight: s.Weight,
		Interval: s.AdvertisementInterval.Seconds(), MasterInterval: s.ActiveInterval.Seconds(), DownInterval: s.ActiveDownInterval.Seconds(),
		Counters: countersOf(s), Refused: map[string]uint64{},
		Tracked: []trackedReport{}, Faults: []string{}, Addresses: []string{}, Held: []string{}, Destinations: []string{}, Peers: []peerReport{},
	}
	if s.Source.IsValid() {
		r.Source = s.Source.String()
	}
	switch {
	case s.State == vrrp.Active:
		r.Master = r.Source
	case s.Master.Source.IsValid():
		r.Master = s.Master.Source.String()
	}
	for _, c := range s.Causes {
		r.Faults = append(r.Faults, c.String())
	}
	for _, t := range s.Tracked {
		r.Tracked = append(r.Tracked, trackedReport{t.Kind.String(), t.Name, t.Weight, t.Reverse, standing(t)})
	}
	for _, list := range [][]vrrp.AddressConfig{s.Virtual, s.Excluded} {
		for _, a := range list {
			r.Addresses = append(r.Addresses, a.Prefix.String())
		}
	}
	for _, p := range s.Held {
		r.Held = append(r.Held, p.String())
	}
	for _, d := range s.Destinations {
		r.Destinations = append(r.Destinations, d.String())
	}
	for _, p := range s.Peers {
		r.Peers = append(r.Peers, peerReport{p.Source.String(), int(p.Priority), p.At})
	}
	for _, reason := range vrrp.Reasons() {
		r.Refused[reason.String()] = s.Counters.RefusedFor(reason)
	}
	return r
}

// standing is how a tracked thing stands, in a word.
func standing(t vrrp.TrackedStatus) string {
	switch {
	case !t.Known:
		return "pending"
	case t.Kind == vrrp.CauseFile:
		return fmt.Sprint(t.Value)
	case t.Up:
		return "up"
	}
	return "down"
}

func countersOf(s *vrrp.InstanceStatus) map[string]uint64 {
	c := &s.Counters
	return map[string]uint64{
		"MasterTransitions": c.MasterTransitions, "ReleasedMaster": c.ReleasedMaster,
		"RcvdAdvertisements": c.RcvdAdvertisements, "SentAdvertisements": c.SentAdvertisements,
		"RcvdPriZeroPackets": c.RcvdPriZeroPackets, "SentPriZeroPackets": c.SentPriZeroPackets,
		"AddressListErrors": c.AddressListErrors, "IntervalsLearned": c.IntervalsLearned,
		"Overslept": c.Overslept, "RepliesSuppressed": c.RepliesSuppressed, "SendErrors": s.SendErrors,
	}
}

// writeText writes the status for people: a paragraph for each instance, with
// counters that are not 0.
func writeText(w io.Writer, s vrrp.Status) error {
	var b strings.Builder
	r := report(s)
	for i := range r.Instances {
		writeInstance(&b, r.At, &r.Instances[i])
	}
	for _, g := range r.Groups {
		fmt.Fprintf(&b, "sync group %s: %s for %s\n  instances %s\n", g.Name, g.State, age(r.At, g.Since), strings.Join(g.Instances, ", "))
	}
	writeCounters(&b, "", r.Counters)
	_, err := io.WriteString(w, b.String())
	return err
}

func writeInstance(b *strings.Builder, at time.Time, v *instanceReport) {
	fmt.Fprintf(b, "%s: %s for %s", v.Name, v.State, age(at, v.Since))
	if v.Group != "" {
		fmt.Fprintf(b, ", in sync group %s", v.Group)
	}
	fmt.Fprintf(b, "\n  VRRPv%d, VRID %d on %s, advertisements every %gs\n", v.Version, v.VRID, orNone(v.Interface), v.Interval)
	fmt.Fprintf(b, "  priority %d", v.Priority)
	if v.Priority != v.ConfiguredPriority || v.Weight != 0 {
		fmt.Fprintf(b, " (configured %d, trackers %+d)", v.ConfiguredPriority, v.Weight)
	}
	b.WriteString("\n")
	if v.State != vrrp.Active.String() && v.Master != "" {
		fmt.Fprintf(b, "  master is %s\n", v.Master)
	}
	for _, f := range v.Faults {
		fmt.Fprintf(b, "  fault: %s\n", f)
	}
	for _, t := range v.Tracked {
		fmt.Fprintf(b, "  tracks %s %s: %s", t.Kind, t.Name, t.State)
		if t.Weight != 0 {
			fmt.Fprintf(b, ", weight %d", t.Weight)
		}
		if t.Reverse {
			b.WriteString(", reverse")
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(b, "  addresses %s\n", orNone(strings.Join(v.Addresses, ", ")))
	if len(v.Held) > 0 {
		fmt.Fprintf(b, "  holds %s\n", strings.Join(v.Held, ", "))
	}
	for _, p := range v.Peers {
		fmt.Fprintf(b, "  heard %s, priority %d, %s ago\n", p.Source, p.Priority, age(at, p.At))
	}
	writeCounters(b, "  ", v.Counters)
	writeCounters(b, "  refused ", v.Refused)
}

func writeCounters(b *strings.Builder, prefix string, counters map[string]uint64) {
	for _, name := range slices.Sorted(maps.Keys(counters)) {
		if n := counters[name]; n != 0 {
			fmt.Fprintf(b, "%s%s %d\n", prefix, name, n)
		}
	}
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// age is how long ago something was, in seconds once it is longer than one.
func age(now, then time.Time) time.Duration {
	d := now.Sub(then)
	if d >= time.Second {
		return d.Round(time.Second)
	}
	return d.Round(time.Millisecond)
}
