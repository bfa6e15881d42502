package keepalived

import (
	"net/netip"
	"strconv"
	"time"

	"ipvsadm/vrrp"
)

// maxInterval is the longest time that keepalived takes: 2^32 microseconds.
const maxInterval = (1<<32 - 1) * time.Microsecond

// globalVRRP are the words of global_defs that concern VRRP. Those that are
// defaults of instances are not printed: instances print what they have.
func (l *loader) globalVRRP() []word[globals] {
	defaults := []word[globals]{
		{
			wordInfo: wordInfo{name: "vrrp_version", args: "2|3", doc: "Default version of the protocol; default 2, and always 3 for IPv6."},
			set: func(s *statement, g *globals) {
				if n, ok := inRange[uint8](s, 0, 2, 3); ok {
					g.vrrp.version = vrrp.Version(n)
				}
			},
		},
		globalSwitch("vrrp_strict", "Default of strict_mode.", func(d *vrrpDefaults) *bool { return &d.strict }),
		globalSwitch("vrrp_skip_check_adv_addr", "Default of skip_check_adv_addr.", func(d *vrrpDefaults) *bool { return &d.skipCheck }),
		unused[globals]("vrrp_check_unicast_src", "[BOOL]", "it is always done"),
		globalSwitch("vrrp_lower_prio_no_advert", "Default of lower_prio_no_advert.", func(d *vrrpDefaults) *bool { return &d.lowerNoAdvert }),
		globalSwitch("vrrp_higher_prio_send_advert", "Default of higher_prio_send_advert.", func(d *vrrpDefaults) *bool { return &d.higherSend }),
		globalSwitch("vrrp_owner_ignore_adverts", "Default of owner_ignore_adverts.", func(d *vrrpDefaults) *bool { return &d.ownerIgnore }),
		globalSwitch("v3_checksum_as_v2", "Default of v3_checksum_as_v2 in instances.", func(d *vrrpDefaults) *bool { return &d.messageOnly }),
		globalSwitch("vrrp_notify_priority_changes", "Default of notify_priority_changes.", func(d *vrrpDefaults) *bool { return &d.priorities }),
		globalSwitch("vrrp_min_garp", "Announce once, and never again: garp_master_repeat 1 and garp_master_delay 0.", func(d *vrrpDefaults) *bool { return &d.minimal }),
		number("vrrp_down_timer_adverts", "Default of down_timer_adverts, 1 to 100; default 3.", 1, 100, func(g *globals) *int { return &g.vrrp.downAdverts }).hidden(),
		device("default_interface", "Interface of static addresses and routes that name none; default eth0.", func(g *globals) *string { return &g.vrrp.device }).hidden(),
		text("vmac_prefix", "PREFIX", "Begin of the names of virtual MAC interfaces; default vrrp.", func(g *globals) *string { return &g.vrrp.vmacPrefix }).hidden(),
		text("vmac_addr_prefix", "PREFIX", "The same for those of addresses on other interfaces; default vmac_prefix.", func(g *globals) *string { return &g.AddressVMACPrefix }),
		{
			wordInfo: wordInfo{name: "vrrp_mcast_group4", args: "ADDR", doc: "IPv4 multicast group; default 224.0.0.18."},
			set:      func(s *statement, _ *globals) { s.group(&l.groups[0], false) },
		},
		{
			wordInfo: wordInfo{name: "vrrp_mcast_group6", args: "ADDR", doc: "IPv6 multicast group; default ff02::12."},
			set:      func(s *statement, _ *globals) { s.group(&l.groups[1], true) },
		},
	}
	for _, w := range announceWords("vrrp_garp_", func(g *globals) *vrrp.AnnounceSchedule { return &g.vrrp.announce }) {
		defaults = append(defaults, w.hidden())
	}
	defaults = append(defaults, extraWord("vrrp_garp_extra_if", func(g *globals) (*time.Duration, *bool) {
		return &g.vrrp.announce.ExtraInterfaces, &g.vrrp.announceAll
	}).replacing("vrrp_vmac_garp_intvl").hidden())
	return append(defaults, l.globalVRRPConfig()...)
}

// globalSwitch is a boolean that instances inherit.
func globalSwitch(name, doc string, at func(*vrrpDefaults) *bool) word[globals] {
	return boolean(name, doc, func(g *globals) *bool { return at(&g.vrrp) }).hidden()
}

// group reads a multicast group of a family.
func (s *statement) group(at *netip.Addr, ipv6 bool) {
	a, ok := s.addr(0)
	if ok && (!a.IsMulticast() || a.Is6() != ipv6) {
		s.badValue(s.args[0], "a multicast address of that family")
		ok = false
	}
	if ok {
		*at = a
	}
}

// globalVRRPConfig are the words whose values are part of vrrp.Config.
func (l *loader) globalVRRPConfig() []word[globals] {
	return []word[globals]{
		pacing[globals]("vrrp_garp_interval", "Least time between two gratuitous ARPs on an interface; default 0.", func(*globals) *time.Duration { return &l.vrrp.ARPInterval }),
		pacing[globals]("vrrp_gna_interval", "Least time between two neighbour advertisements on an interface; default 0.", func(*globals) *time.Duration { return &l.vrrp.NAInterval }),
		duration("vrrp_startup_delay", "Time that instances wait after the start; default 0.", 0, maxInterval, func(*globals) *time.Duration { return &l.vrrp.StartupDelay }).spelled("vrrp_delay_after_boot"),
		flag("log_unknown_vrids", "Log advertisements of routers that are not configured.", func(*globals) *bool { return &l.vrrp.LogUnknownVRIDs }),
		{
			wordInfo: wordInfo{name: "vrrp_rt_priority", args: "N", doc: "Run the process in real time (SCHED_RR), 1 to 99, but not its programs; default none."},
			set: func(s *statement, g *globals) {
				if n, ok := inRange(s, 0, 1, 99); ok {
					g.Process.RealTime = n
				}
			},
			show: func(p *printer, g *globals) {
				if n := g.Process.RealTime; n > 0 {
					p.line(strconv.Itoa(n))
				}
			},
		},
		{
			wordInfo: wordInfo{name: "vrrp_priority", args: "N", doc: "Nice value of the process, -20 to 19; its programs have 0 instead of a negative one."},
			set: func(s *statement, g *globals) {
				if n, ok := inRange(s, 0, -20, 19); ok {
					g.Process.Nice = n
				}
			},
			show: func(p *printer, g *globals) {
				if n := g.Process.Nice; n != 0 {
					p.line(strconv.Itoa(n))
				}
			},
		},
		flag("vrrp_no_swap", "Keep in memory what the process has used once.", func(g *globals) *bool { return &g.Process.NoSwap }),
		flag("disable_local_igmp", "Stop the kernel's IGMP reports for 224.0.0.0/24.", func(*globals) *bool { return &l.vrrp.NoLocalIGMP }),
		flag("fifo_write_vrrp_states_on_reload", "Write all states to the FIFOs after a reload.", func(*globals) *bool { return &l.vrrp.FIFOStatesOnReload }),
		{
			wordInfo: wordInfo{name: "dynamic_interfaces", args: "[allow_if_changes]", doc: "Interfaces may come and go; with allow_if_changes they may come back as another kind."},
			set: func(s *statement, _ *globals) {
				switch {
				case len(s.args) == 0:
					l.vrrp.Dynamic = vrrp.MissingInterfaces
				case s.args[0] == "allow_if_changes":
					l.vrrp.Dynamic = vrrp.ChangingInterfaces
				default:
					s.badValue(s.args[0], "allow_if_changes")
				}
			},
			show: func(p *printer, _ *globals) {
				switch l.vrrp.Dynamic {
				case vrrp.MissingInterfaces:
					p.line()
				case vrrp.ChangingInterfaces:
					p.line("allow_if_changes")
				}
			},
		},
		{
			wordInfo: wordInfo{name: "lvs_sync_daemon", args: "IF [[inst] INSTANCE] [id N] [maxlen N] [port N] [ttl N] [group ADDR]", doc: "Synchronise IPVS connections over that interface; as sender or receiver as the instance is, or both.", first: true},
			set:      func(s *statement, _ *globals) { l.syncDaemon(s) },
			show:     func(p *printer, _ *globals) { l.showSync(p) },
		},
	}
}

// pacing is an interval that the samples of distributions set to 0, which
// keepalived itself finds out of range.
func pacing[T any](name, doc string, at func(*T) *time.Duration) word[T] {
	w := duration(name, doc, 0, maxInterval, at)
	w.show = func(p *printer, t *T) {
		if d := *at(t); d > 0 {
			p.line(formatSeconds(d))
		}
	}
	return w
}

// announceWords are those of an announcement schedule.
func announceWords[T any](prefix string, at func(*T) *vrrp.AnnounceSchedule) []word[T] {
	const most = 1<<32/1_000_000 - 1 // seconds, as keepalived's microseconds hold
	return []word[T]{
		wholeSeconds(prefix+"master_delay", "Announce again after that time as master, 0 for not; default 5.", 0, most, func(t *T) *time.Duration { return &at(t).MasterDelay }),
		atLeastOne(prefix+"master_repeat", "Announcements of each address at once; default 5.", func(t *T) *int { return &at(t).MasterRepeat }),
		wholeSeconds(prefix+"master_refresh", "Announce for ever, so often, 0 for not; default 0.", 0, most, func(t *T) *time.Duration { return &at(t).MasterRefresh }),
		atLeastOne(prefix+"master_refresh_repeat", "Announcements of each address then; default 1.", func(t *T) *int { return &at(t).MasterRefreshRepeat }),
		wholeSeconds(prefix+"lower_prio_delay", "Announce again that time after an advertisement of lower priority; default vrrp_garp_master_delay.", 0, most, func(t *T) *time.Duration { return &at(t).LowerPriorityDelay }),
		number(prefix+"lower_prio_repeat", "Announcements after an advertisement of lower priority; default vrrp_garp_master_repeat.", 0, maxCount, func(t *T) *int { return &at(t).LowerPriorityRepeat }),
	}
}

// extraWord is garp_extra_if.
func extraWord[T any](name string, at func(*T) (every *time.Duration, all *bool)) word[T] {
	return word[T]{
		wordInfo: wordInfo{name: name, args: "[all] SECONDS", doc: "Announce so often on virtual MAC interfaces that send no advertisements, with all on every interface; 0 to 86400 s, default 0."},
		set: func(s *statement, t *T) {
			every, all := at(t)
			i := 0
			if s.args[0] == "all" {
				i = 1
			}
			if i == len(s.args) {
				s.fail(KindMissing, s.name+" has no time", s.usage())
				return
			}
			if n, ok := inRange[int64](s, i, 0, 86400); ok {
				*every, *all = time.Duration(n)*time.Second, i == 1
			}
		},
		show: func(p *printer, t *T) {
			every, all := at(t)
			if words := []string{formatSeconds(*every)}; *all {
				p.line("all", words[0])
			} else {
				p.line(words...)
			}
		},
	}
}

// syncDaemon reads lvs_sync_daemon.
func (l *loader) syncDaemon(s *statement) {
	name, ok := s.iface(0)
	if !ok {
		return
	}
	d := &vrrp.SyncConfig{Device: name}
	l.vrrp.Sync, l.syncPos, l.syncID = d, s.pos, false
	options := map[string]func(int){
		"inst":   func(i int) { d.Instance = s.str(i) },
		"id":     func(i int) { l.syncNumber(s, i) },
		"maxlen": func(i int) { d.MaxLen, _ = inRange[uint16](s, i, 1, 65507) },
		"port":   func(i int) { d.Port, _ = inRange[uint16](s, i, 1, 65535) },
		"ttl":    func(i int) { d.TTL, _ = inRange[uint8](s, i, 1, 255) },
		"group": func(i int) {
			if a, ok := parseAddr(s.args[i]); ok && a.IsMulticast() {
				d.Group = a
			} else {
				s.badValue(s.args[i], "a multicast address")
			}
		},
	}
	from := 1
	if len(s.args) > 1 && options[s.args[1]] == nil {
		d.Instance, from = s.str(1), 2
	}
	if n := from; n < len(s.args) && from == 2 && isDigits(s.args[n]) {
		s.warn(KindDeprecated, "a number alone is the old way to write the id of "+s.name, "write id "+s.args[n])
		l.syncNumber(s, n)
		from++
	}
	s.optionsFrom(from, options)
}

func (l *loader) syncNumber(s *statement, i int) {
	if n, ok := inRange[uint8](s, i, 0, 255); ok {
		l.vrrp.Sync.ID, l.syncID = n, true
	}
}

func (l *loader) showSync(p *printer) {
	d := l.vrrp.Sync
	if d == nil {
		return
	}
	words := []string{quote(d.Device)}
	if d.Instance != "" {
		words = append(words, "inst", quote(d.Instance))
	}
	words = append(words, "id", strconv.Itoa(int(d.ID)))
	for _, n := range []struct {
		word  string
		value uint16
	}{{"maxlen", d.MaxLen}, {"port", d.Port}, {"ttl", uint16(d.TTL)}} {
		if n.value != 0 {
			words = append(words, n.word, strconv.Itoa(int(n.value)))
		}
	}
	if d.Group.IsValid() {
		words = append(words, "group", d.Group.String())
	}
	p.line(words...)
}
