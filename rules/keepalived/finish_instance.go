package keepalived

import (
	"bytes"
	"fmt"
	"net/netip"
	"time"

	"ipvsadm/vrrp"
)

// finishInstance completes an instance, and tells whether it can run.
func (l *loader) finishInstance(v *instance) bool {
	switch {
	case !v.has("virtual_router_id"):
		l.fail(KindIncomplete, v.pos, v.title+" has no virtual_router_id", "write virtual_router_id N, the same on all its routers")
		return false
	case v.VRID == 0:
		l.fail(KindValue, v.at("virtual_router_id"), v.title+" has no virtual_router_id from 1 to 255", "")
		return false
	}
	l.settleFamily(v)
	l.settlePriority(v)
	l.inheritSwitches(v)
	l.inheritAnnounce(v)
	l.settleInterval(v)
	l.settlePreemption(v)
	l.settleAuth(v)
	l.settlePeers(v)
	l.settleVMAC(v)
	return l.settleAddresses(v) && l.settleDevice(v) && l.runnable(v)
}

// settleFamily finds out the family and with it the version.
func (l *loader) settleFamily(v *instance) {
	for _, a := range []netip.Addr{v.unicastSource, v.mcastSource, v.multicast} {
		if v.family == familyUnknown && a.IsValid() {
			v.family = familyOf(a)
		}
	}
	if v.family == familyUnknown && len(v.peers) > 0 {
		v.family = familyOf(v.peers[0].Addr)
	}
	v.IPv6 = v.family == family6
	if v.Version == 0 {
		v.Version = l.global.vrrp.version
	}
	if v.IPv6 && v.Version != vrrp.V3 {
		if v.has("version") {
			l.report.add(Diagnostic{Note, KindConflict, v.at("version"), v.title + ": IPv6 runs with version 3", "write version 3"})
		}
		v.Version = vrrp.V3
	}
}

func (l *loader) settlePriority(v *instance) {
	if v.Priority == 0 {
		v.Priority = vrrp.PriorityDefault
		if v.master && !v.has("priority") {
			v.Priority = vrrp.PriorityOwner
		}
	}
	v.StartBackup = v.Priority == vrrp.PriorityOwner && !v.master
	if !v.has("strict_mode") {
		v.Strict = l.global.vrrp.strict
	}
	if v.Strict && v.master && v.Priority != vrrp.PriorityOwner {
		l.warn(KindConflict, v.at("state"), v.title+": strict_mode wants state MASTER for the owner of the addresses only; the priority counts", "write state BACKUP, or priority 255")
		v.master = false
	}
}

// inheritSwitches takes what was not given from global_defs, and in strict mode
// from the RFCs.
func (l *loader) inheritSwitches(v *instance) {
	d := &l.global.vrrp
	inherit := func(word string, at *bool, from bool) {
		if !v.has(word) {
			*at = from
		}
	}
	inherit("skip_check_adv_addr", &v.SkipAddressCheck, d.skipCheck)
	inherit("lower_prio_no_advert", &v.LowerPriorityNoAdvert, d.lowerNoAdvert)
	inherit("higher_prio_send_advert", &v.HigherPrioritySendAdvert, d.higherSend)
	inherit("owner_ignore_adverts", &v.OwnerIgnoreAdverts, d.ownerIgnore)
	inherit("notify_priority_changes", &v.Notify.Priorities, d.priorities)
	inherit("smtp_alert", &v.Notify.Mail, l.global.alertVRRP.or(l.global.alert.or(false)))
	if !v.has("v3_checksum_as_v2") {
		v.Checksum = checksumForm(d.messageOnly)
	}
	if !v.has("down_timer_adverts") || v.DownAdverts == 0 {
		v.DownAdverts = d.downAdverts
	}
	if !v.Strict {
		return
	}
	owner := v.Priority == vrrp.PriorityOwner
	strict := func(word string, at *bool, must bool, why string) {
		if v.has(word) && *at != must {
			l.warn(KindConflict, v.at(word), v.title+": "+word+" is ignored: strict_mode "+why, "leave it out")
		}
		*at = must
	}
	strict("lower_prio_no_advert", &v.LowerPriorityNoAdvert, true, "does not answer advertisements of lower priority")
	strict("higher_prio_send_advert", &v.HigherPrioritySendAdvert, false, "sends none to a higher priority")
	v.OwnerIgnoreAdverts = true
	if v.Version == vrrp.V2 {
		if v.has("accept") && !owner {
			l.warn(KindConflict, v.at("accept"), v.title+": accept is ignored: strict_mode knows none in version 2", "leave it out")
		}
		v.Accept = owner
	} else if !v.has("accept") && !v.has("no_accept") {
		v.Accept = owner
	}
}

// inheritAnnounce fills in the announcement schedule.
func (l *loader) inheritAnnounce(v *instance) {
	g, d := &l.global, &l.global.vrrp
	from := d.announce
	if d.minimal {
		from.MasterRepeat, from.MasterDelay = 1, 0
	}
	given := func(word string) bool { return v.has("garp_" + word) }
	inherit := func(word string, at, from *time.Duration) {
		if !given(word) {
			*at = *from
		}
	}
	count := func(word string, at, from *int) {
		if !given(word) {
			*at = *from
		}
	}
	a := &v.Announce
	inherit("master_delay", &a.MasterDelay, &from.MasterDelay)
	inherit("master_refresh", &a.MasterRefresh, &from.MasterRefresh)
	count("master_repeat", &a.MasterRepeat, &from.MasterRepeat)
	count("master_refresh_repeat", &a.MasterRefreshRepeat, &from.MasterRefreshRepeat)
	// After a lower priority: what was said of it, else what global_defs say of
	// becoming master, not what the instance says of that.
	if !g.has("vrrp_garp_lower_prio_delay") {
		from.LowerPriorityDelay = from.MasterDelay
	}
	if !g.has("vrrp_garp_lower_prio_repeat") {
		from.LowerPriorityRepeat = from.MasterRepeat
	}
	inherit("lower_prio_delay", &a.LowerPriorityDelay, &from.LowerPriorityDelay)
	count("lower_prio_repeat", &a.LowerPriorityRepeat, &from.LowerPriorityRepeat)
	if !given("extra_if") {
		a.ExtraInterfaces, v.AnnounceAll = from.ExtraInterfaces, d.announceAll
	}
	if v.Strict {
		for _, word := range []string{"garp_lower_prio_delay", "garp_lower_prio_repeat"} {
			if v.has(word) {
				l.warn(KindConflict, v.at(word), v.title+": "+word+" is ignored: strict_mode announces nothing after an advertisement of lower priority", "leave it out")
			}
		}
		a.LowerPriorityDelay, a.LowerPriorityRepeat = 0, 0
	}
}

// settleInterval rounds the interval to what the version can say.
func (l *loader) settleInterval(v *instance) {
	if v.interval == 0 {
		v.interval = time.Second
	}
	unit, most := time.Second, 255*time.Second
	if v.Version == vrrp.V3 {
		unit, most = vrrp.Centisecond, 4095*vrrp.Centisecond
	}
	rounded := min(max((v.interval+unit/2)/unit*unit, unit), most)
	if rounded != v.interval {
		l.warn(KindValue, v.at("advert_int"), fmt.Sprintf("%s: advert_int %s is taken for %s, which is what version %d can say", v.title, formatSeconds(v.interval), formatSeconds(rounded), uint8(v.Version)), "write advert_int "+formatSeconds(rounded))
	}
	v.AdvertisementInterval = rounded
}

// settlePreemption clears what makes no sense with the state.
func (l *loader) settlePreemption(v *instance) {
	ignore := func(word, why, fix string) {
		l.warn(KindConflict, v.at(word), v.title+": "+word+" is ignored: "+why, fix)
	}
	if v.NoPreempt {
		switch {
		case v.Priority == vrrp.PriorityOwner:
			ignore("nopreempt", "the owner of the addresses (priority 255) always takes over", "write another priority")
			v.NoPreempt = false
		case v.master:
			ignore("nopreempt", "state MASTER means to take over", "write state BACKUP")
			v.NoPreempt = false
		}
	}
	if v.PreemptDelay > 0 {
		why := ""
		switch {
		case v.Strict:
			why = "strict_mode knows none"
		case v.master:
			why = "state MASTER means to take over at once"
		case v.NoPreempt:
			why = "nopreempt does not take over"
		}
		if why != "" {
			ignore("preempt_delay", why, "leave one out")
			v.PreemptDelay = 0
		}
	}
}

// settleAuth keeps authentication where the protocol has it.
func (l *loader) settleAuth(v *instance) {
	a := &v.auth
	if a.kind == vrrp.AuthNone {
		if a.password != "" {
			l.report.add(Diagnostic{Note, KindIncomplete, a.pos, v.title + ": authentication has no auth_type and does nothing", "write auth_type PASS"})
		}
		return
	}
	why := ""
	switch {
	case a.password == "":
		why = "it has no auth_pass"
	case v.Version == vrrp.V3:
		why = "version 3 has none"
	case v.Strict:
		why = "strict_mode knows none"
	}
	if why != "" {
		l.warn(KindConflict, a.pos, v.title+": authentication is ignored: "+why, "leave it out")
		return
	}
	v.Auth = a.kind
	copy(v.Password[:], a.password)
	if v.Auth == vrrp.AuthAH && v.master && v.Priority != vrrp.PriorityOwner {
		l.warn(KindConflict, a.pos, v.title+": state MASTER is ignored: it cannot be with AH", "write state BACKUP")
		v.master = false
	}
}

// settlePeers settles whom the instance talks to, and from where.
func (l *loader) settlePeers(v *instance) {
	for _, p := range v.peers {
		if l.sameFamily(v, p.Addr, "the peer", p.pos) {
			v.Peers = append(v.Peers, p.Peer)
		}
	}
	l.settleHopLimit(v)
	unicast := len(v.Peers) > 0
	if !unicast && !v.FaultWithoutPeer {
		for _, word := range []string{"unicast_peer", "unicast_src_ip", "check_unicast_src", "old_unicast_checksum"} {
			if v.has(word) {
				l.warn(KindIncomplete, v.at(word), v.title+": "+word+" is there but no peer, so it runs by multicast", "write unicast_peer { ADDR … }")
				break
			}
		}
	}
	if !unicast && v.has("unicast_ttl") && v.UnicastTTL != 255 {
		l.warn(KindConflict, v.at("unicast_ttl"), v.title+": unicast_ttl is ignored without peers", "leave it out")
		v.UnicastTTL = 255
	}
	source, word := v.mcastSource, "mcast_src_ip"
	if v.unicastSource.IsValid() && (unicast || !source.IsValid()) {
		source, word = v.unicastSource, "unicast_src_ip"
	}
	if l.sameFamily(v, source, word, v.at(word)) {
		v.Source = source
	}
	group := l.groups[0]
	if v.IPv6 {
		group = l.groups[1]
	}
	if l.sameFamily(v, v.multicast, "mcast_dst_ip", v.at("mcast_dst_ip")) {
		group = v.multicast
		if unicast {
			l.warn(KindConflict, v.at("mcast_dst_ip"), v.title+": mcast_dst_ip is ignored: it talks to its peers", "leave one out")
		}
	}
	if !unicast && group.IsValid() && group != vrrp.GroupIPv4() && group != vrrp.GroupIPv6() {
		v.Group = group
	}
	if unicast && v.Strict {
		l.report.add(Diagnostic{Note, KindConflict, v.at("unicast_peer"), v.title + ": unicast is not what strict_mode means", "leave one out"})
	}
}

// keepalivedHopLimit is the hop limit with which keepalived sends IPv6 unicast: the
// kernel's default.
const keepalivedHopLimit = 64

// settleHopLimit lets a node be changed for ours beside one of keepalived's, with
// its file as it is: to insist on 255 would make both of them master. IPv4 unicast
// comes with 255 from keepalived too.
func (l *loader) settleHopLimit(v *instance) {
	lowered := false
	for i := range v.Peers {
		if p := &v.Peers[i]; p.Addr.Is6() && p.MinTTL == 0 {
			p.MinTTL, p.MaxTTL = keepalivedHopLimit, vrrp.TTL
			lowered = true
		}
	}
	if lowered {
		l.warn(KindIncomplete, v.at("unicast_peer"), fmt.Sprintf("%s: hop limits from %d on are accepted, for that is what keepalived sends IPv6 unicast with", v.title, keepalivedHopLimit),
			"write min_ttl 255 behind each peer once all of them send 255, as we do")
	}
}

// settleVMAC settles the interface with the virtual MAC address.
func (l *loader) settleVMAC(v *instance) {
	ignore := func(word, why string) {
		l.warn(KindConflict, v.at(word), v.title+": "+word+" is ignored: "+why, "leave it out")
	}
	if !v.has("use_vmac") {
		if v.vmac.base {
			ignore("vmac_xmit_base", "there is no use_vmac")
		}
		return
	}
	if v.Device == "" {
		ignore("use_vmac", "there is no interface to put it on")
		return
	}
	if v.Strict && v.vmac.base {
		ignore("vmac_xmit_base", "strict_mode sends from the virtual MAC address")
		v.vmac.base = false
	}
	if v.Strict && v.vmac.addr != nil {
		l.warn(KindConflict, v.at("use_vmac"), v.title+": the MAC address is ignored: strict_mode uses that of the RFC", "leave it out")
		v.vmac.addr = nil
	}
	if len(v.Peers) > 0 && !v.vmac.base {
		l.warn(KindConflict, v.at("use_vmac"), v.title+": unicast is sent from the interface below the virtual MAC address", "write vmac_xmit_base")
		v.vmac.base = true
	}
	if v.PromoteSecondaries {
		ignore("promote_secondaries", "virtual MAC interfaces have it set")
		v.PromoteSecondaries = false
	}
	addr := bytes.Clone(v.vmac.addr)
	switch len(addr) {
	case 0:
		addr = vrrp.VirtualMAC(v.VRID, v.IPv6)
	case 5:
		addr = append(addr, v.VRID)
	}
	v.VMAC = &vrrp.VMACConfig{Name: v.vmac.name, Addr: addr, TransmitBase: v.vmac.base}
}

// maxAdvertised is how many addresses an advertisement can count.
const maxAdvertised = 255

// settleAddresses looks at the virtual addresses, and tells whether the instance
// can run with them.
func (l *loader) settleAddresses(v *instance) bool {
	if n := len(v.Virtual); n > maxAdvertised {
		l.warn(KindValue, v.at("virtual_ipaddress"), fmt.Sprintf("%s has %d addresses, and an advertisement counts %d: the rest are not advertised", v.title, n, maxAdvertised), "write them in virtual_ipaddress_excluded")
		v.Excluded = append(v.Virtual[maxAdvertised:n:n], v.Excluded...)
		v.Virtual = v.Virtual[:maxAdvertised]
	}
	if len(v.Virtual) == 0 {
		switch {
		case v.misread:
			l.fail(KindIncomplete, v.pos, v.title+" has lost its virtual addresses to a typing error", "see the messages above")
			return false
		case v.Strict:
			l.fail(KindIncomplete, v.pos, v.title+" has no virtual address, and strict_mode wants one", "write virtual_ipaddress { ADDR … }")
			return false
		case !v.has("no_virtual_ipaddress"):
			l.warn(KindIncomplete, v.pos, v.title+" has no virtual address", "write virtual_ipaddress { ADDR … }, or no_virtual_ipaddress if that is meant")
		}
	}
	if v.Strict && v.IPv6 && len(v.Virtual) > 0 && !v.Virtual[0].Prefix.Addr().IsLinkLocalUnicast() {
		l.fail(KindConflict, v.at("virtual_ipaddress"), v.title+": strict_mode wants a link-local address first", "write fe80::… first")
		return false
	}
	for _, a := range v.Virtual {
		v.Addresses = append(v.Addresses, a.Prefix.Addr())
	}
	return true
}

// settleDevice wants an interface, or unicast that can do without.
func (l *loader) settleDevice(v *instance) bool {
	if v.Device != "" {
		if v.VRF != "" {
			l.warn(KindConflict, v.at("vrf"), v.title+": vrf is ignored: the interface says it", "leave it out")
			v.VRF = ""
		}
		return true
	}
	switch {
	case len(v.Peers) == 0:
		l.fail(KindIncomplete, v.pos, v.title+" has no interface", "write interface IF")
		return false
	case !v.Source.IsValid():
		l.fail(KindIncomplete, v.pos, v.title+" has neither interface nor unicast_src_ip", "write one of them")
		return false
	case v.Source.IsLinkLocalUnicast():
		l.fail(KindIncomplete, v.pos, v.title+" has a link-local unicast_src_ip and no interface", "write interface IF")
		return false
	}
	for _, list := range [][]vrrp.AddressConfig{v.Virtual, v.Excluded} {
		for i := range list {
			if list[i].Device == "" {
				list[i].Device = l.global.vrrp.device
			}
		}
	}
	v.TrackDevice = false
	return true
}

// runnable lets the machine look at what it will be given: what it refuses is an
// error here and no surprise later.
func (l *loader) runnable(v *instance) bool {
	err := v.Params.Validate()
	if err != nil {
		l.fail(KindConflict, v.pos, v.title+" cannot run: "+err.Error(), "")
	}
	return err == nil
}
